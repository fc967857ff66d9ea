#include "core/path.h"
#include "core/spec.h"
#include "runictl/commands.h"
#include "runictl/machine/machine.h"
#include "runictl/machine/procfs.h"
#include "runictl/machine/terminal.h"
#include "runictl/show/explanation.h"
#include "system/command_lookup.h"
#include "system/files.h"
#include "system/programs.h"
#include "system/rootfs.h"
#include "system/settings.h"

#include <unistd.h>

namespace runi {
namespace {

constexpr std::size_t kMostNamed = 8;

// A root directory as an engine makes it, for specifications that come without one.
Rootfs ordinary_rootfs(const Spec& spec) {
  Rootfs rootfs;
  rootfs.known = rootfs.writable = true;
  if (!spec.host_uids.empty()) rootfs.owner_uid = spec.host_uids.front().host;
  if (!spec.host_gids.empty()) rootfs.owner_gid = spec.host_gids.front().host;
  return rootfs;
}

// Errors: there is no specification at all.
Result<void> read_spec(const ExplainOptions& options, Start& start) {
  if (options.container == "-") {
    start.place = "standard input";
    start.bytes = read_stdin(kMaxSpecBytes);
    return {};
  }
  if (!options.config.empty()) {
    start.place = options.config;
    auto text = read_text(options.config, kMaxSpecBytes);
    if (text && !*text) return Error{options.config + ": no such file"};
    if (!text) return with_context(options.config, text.error());
    start.bytes = std::move(**text);
    return {};
  }
  start.place = options.bundle + "/config.json";
  auto file = read_file(start.place, kMaxSpecBytes);
  if (file && !*file) return Error{start.place + ": no such file; name the bundle with --bundle"};
  if (!file) {
    start.bytes = file.error();
  } else {
    start.bytes = std::move((*file)->bytes);
  }
  return {};
}

void look_at_root(const ExplainOptions& options, const Spec& spec, Start& start) {
  const bool in_bundle = options.container.empty() && options.config.empty();
  if (options.container.empty()) {
    const std::string bundle = in_bundle ? options.bundle : std::string(directory_of(options.config));
    start.rootfs = look_at_rootfs(bundle, spec);
    start.rootfs.command = look_up_command(bundle, spec);
  }
  const std::string path(spec.root_path);
  if (start.rootfs.known || in_bundle) {
    start.root = path + (start.rootfs.known ? "" : " (cannot be opened)");
    return;
  }
  start.rootfs = ordinary_rootfs(spec);
  start.root = path + " (not looked at: assumed to be writable and without symbolic links below mounts)";
}

std::string describe(const Bundle& bundle) {
  const std::string title = title_of(bundle.identity);
  return title + " (" + bundle.identity.engine + ", " + bundle.identity.id + ")";
}

// The bundle of the container that `word` means. Errors: it means no container, or more than one.
Result<Bundle> find_container(const std::string& word) {
  auto proc = Procfs::open("/proc");
  auto bundles = proc ? proc->bundles() : Result<std::vector<Bundle>>(proc.error());
  if (!bundles) return bundles.error();
  std::vector<Bundle> found;
  for (const Meant wanted : {Meant::yes, Meant::perhaps}) {
    for (Bundle& bundle : *bundles) {
      if (found.size() < kMostNamed && is_meant(bundle.identity, word) == wanted) {
        found.push_back(std::move(bundle));
      }
    }
    if (!found.empty()) break;
  }
  if (found.size() == 1) return std::move(found[0]);
  if (found.empty()) {
    const std::string hint = geteuid() == 0 ? "" : "run this as root, or ";
    return Error{"no container " + word +
                 " (by NAMESPACE/POD/CONTAINER, name, id or the beginning of an id); " + hint +
                 "name its bundle with --bundle"};
  }
  std::string names;
  for (const Bundle& bundle : found) names += (names.empty() ? "" : "; ") + describe(bundle);
  return Error{word + " may be " + names + "; say more"};
}

}  // namespace

Result<int> explain(ExplainOptions options) {
  if (auto named = check_handler_name(options.handler); !named) return named.error();
  const std::string runi = find_runi();
  Start start;
  start.version = RUNI_VERSION;
  if (!options.container.empty() && options.container != "-") {
    auto bundle = find_container(options.container);
    if (!bundle) return bundle.error();
    options.container.clear();
    options.bundle = bundle->path;
    start.container = describe(*bundle);
  }
  start.handler = options.handler;
  start.settings = read_settings(options.handler, runi);
  start.runtime = choose_runtime(start.settings.config, runi);
  if (start.runtime) start.settings.config.runtime = *start.runtime;
  start.init = find_init(start.settings.config.init_path, runi);
  if (auto read = read_spec(options, start); !read) return read.error();
  const Result<Spec> spec = start.bytes ? parse_spec(*start.bytes) : Result<Spec>(Error{});
  if (spec) look_at_root(options, *spec, start);
  const Explanation explanation = explain_start(start, spec);
  print(options.json ? json_of(start, explanation) : text_of(start, explanation, colours_wanted()));
  const bool failed =
      explanation.outcome == StartOutcome::fallback || explanation.outcome == StartOutcome::refused;
  return failed ? kFound : 0;
}

}  // namespace runi
