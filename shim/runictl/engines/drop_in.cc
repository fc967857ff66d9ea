#include "runictl/engines/drop_in.h"

#include "core/path.h"
#include "runictl/engines/judge.h"
#include "runictl/engines/marked_block.h"

#include <algorithm>
#include <variant>

namespace runi {
namespace {

using std::string_view;

// What a handler has from the one that it is to be like. Not: runtime_path, and those that would have CRI-O
// run another program instead, inherit_default_runtime, platform_runtime_paths and runtime_config_path.
// Source: CRI-O's pkg/config, RuntimeHandler.
constexpr string_view kCrioSettings[] = {"allowed_annotations",
                                         "container_create_timeout",
                                         "container_min_memory",
                                         "default_annotations",
                                         "exec_cpu_affinity",
                                         "monitor_cgroup",
                                         "monitor_env",
                                         "monitor_exec_cgroup",
                                         "monitor_path",
                                         "no_sync_log",
                                         "privileged_without_host_devices",
                                         "runtime_root",
                                         "seccomp_profile"};

// The files without our own, once they are known to be readable and without a handler of that name.
struct Others {
  std::vector<TomlFile> files;
  std::optional<std::string> body;  // of our own file, if it is there
};

// The key that chooses the handler of containers that name none must not be set in a file that is read after
// ours.
std::optional<Refusal> judge_default(const Others& others, const std::string& path,
                                     const HandlerWanted& wanted, std::span<const string_view> key) {
  if (!wanted.is_default) return std::nullopt;
  for (const TomlFile& file : others.files) {
    const TomlValue* chosen = descend(&file.root, key);
    const bool later = directory_of(file.file->path) == directory_of(path) && file.file->path > path;
    if (!later || chosen == nullptr || chosen->text == wanted.name) continue;
    return Refusal{Placed{chosen, file.file}.where(),
                   std::string(key.back()) + " is set here, in a file that is read after " + path,
                   "install without --set-default, and then write " + std::string(key.back()) + " = " +
                       toml_string(wanted.name) + " there"};
  }
  return std::nullopt;
}

std::variant<Others, Refusal> others_of(std::span<const ConfigFile> files, const std::string& path,
                                        const HandlerWanted& wanted, const std::vector<string_view>& table) {
  if (auto refusal = refusal_of(wanted)) return *refusal;
  Others others;
  for (const ConfigFile& file : files) {
    if (file.path == path) {
      auto parted = part(file, wanted.name);
      if (auto* refusal = std::get_if<Refusal>(&parted)) return *refusal;
      others.body = std::get<Parted>(parted).body;
      if (others.body && std::get<Parted>(parted).rest.empty()) continue;
      return Refusal{path, "somebody else has written in the handler's own file", "move it away"};
    }
    TomlDocument document = parse_toml(file);
    if (!document.error.empty()) {
      return invalid_file(file.path + ":" + std::to_string(document.error_line), "TOML", document.error);
    }
    others.files.push_back({&file, std::move(document.root)});
  }
  const std::vector<Placed> roots = roots_of(others.files);
  const auto handlers = names_in(roots, table);
  if (const auto found = handlers.find(wanted.name); found != handlers.end()) {
    return Refusal{found->second.where(),
                   "there is a handler " + quoted(wanted.name) + " that runictl has not added",
                   "remove it, or choose another name"};
  }
  return others;
}

Edit write(const std::string& path, const HandlerWanted& wanted, const std::string& lines,
           const Others& others) {
  if (others.body == lines) return Unchanged{};
  return WriteFile{path, with_block("", wanted.name, lines), !others.body};
}

}  // namespace

std::string crio_drop_in(string_view handler) {
  return "/etc/crio/crio.conf.d/10-" + std::string(handler) + ".conf";
}

std::string podman_drop_in(string_view handler) {
  return "/etc/containers/containers.conf.d/" + std::string(handler) + ".conf";
}

Edit add_to_crio(std::span<const ConfigFile> files, const ConfigFile& effective,
                 const HandlerWanted& wanted) {
  const std::string path = crio_drop_in(wanted.name);
  auto others = others_of(files, path, wanted, {"crio", "runtime", "runtimes"});
  if (auto* refusal = std::get_if<Refusal>(&others)) return *refusal;
  const bool has_ours = std::get<Others>(others).body.has_value();
  const TomlDocument document = parse_toml(effective);
  if (!document.error.empty()) {
    return invalid_file(effective.path + ":" + std::to_string(document.error_line), "TOML", document.error);
  }
  const std::vector<Placed> root = {{&document.root, &effective}};
  const Placed runtimes = find(root, {"crio", "runtime", "runtimes"});
  std::string name = wanted.like;
  if (name.empty()) name = find(root, {"crio", "runtime", "default_runtime"}).text().value_or("");
  // Where ours is the default, what was before it, or what is built in.
  if (name == wanted.name && wanted.like.empty()) {
    const std::vector<Placed> roots = roots_of(std::get<Others>(others).files);
    name = find(roots, {"crio", "runtime", "default_runtime"}).text().value_or("");
    for (const string_view built_in : {"crun", "runc"}) {
      const bool is_known = runtimes && runtimes.value->member(built_in) != nullptr;
      if ((name.empty() || name == wanted.name) && is_known) name = built_in;
    }
  }
  const TomlValue* model = runtimes ? runtimes.value->member(name) : nullptr;
  if (model == nullptr || name == wanted.name) {
    return Refusal{effective.path, "there is no handler " + quoted(name) + " whose settings could be taken",
                   "name another handler"};
  }
  if (!has_ours && runtimes.value->member(wanted.name) != nullptr) {
    return Refusal{effective.path, "CRI-O has a handler " + quoted(wanted.name) + " of its own",
                   "choose another name"};
  }
  const TomlValue* type = model->member("runtime_type");
  const std::string kind = type == nullptr ? "" : type->text.value_or("");
  if (!kind.empty() && kind != "oci") {
    return Refusal{effective.path,
                   "the handler " + quoted(name) + " is of runtime_type " + quoted(kind) +
                       ", which calls no OCI runtime",
                   "name a handler of type \"oci\" whose settings are to be taken"};
  }
  constexpr string_view kDefault[] = {"crio", "runtime", "default_runtime"};
  if (auto refusal = judge_default(std::get<Others>(others), path, wanted, kDefault)) return *refusal;
  std::string lines;
  if (wanted.is_default) lines = "[crio.runtime]\ndefault_runtime = " + toml_string(wanted.name) + "\n";
  lines += "[crio.runtime.runtimes." + toml_key(wanted.name) + "]\n";
  lines += "runtime_path = " + toml_string(wanted.program) + "\nruntime_type = \"oci\"\n";
  for (const string_view key : kCrioSettings) {
    const TomlValue* value = model->member(key);
    if (value == nullptr || says_nothing(*value)) continue;
    lines += toml_key(key) + " = " + toml_line(*value) + "\n";
  }
  return write(path, wanted, lines, std::get<Others>(others));
}

Edit add_to_podman(std::span<const ConfigFile> files, const HandlerWanted& wanted,
                   std::span<const std::string> json_runtimes) {
  const std::string path = podman_drop_in(wanted.name);
  auto others = others_of(files, path, wanted, {"engine", "runtimes"});
  if (auto* refusal = std::get_if<Refusal>(&others)) return *refusal;
  const auto& found = std::get<Others>(others);
  const Placed listed = find(roots_of(found.files), {"engine", "runtime_supports_json"});
  std::vector<std::string> names(json_runtimes.begin(), json_runtimes.end());
  if (listed) names = listed.value->words();
  constexpr string_view kDefault[] = {"engine", "runtime"};
  if (auto refusal = judge_default(found, path, wanted, kDefault)) return *refusal;
  std::string lines;
  if (wanted.is_default) lines = "runtime = " + toml_string(wanted.name) + "\n";
  if (!names.empty() && std::find(names.begin(), names.end(), wanted.name) == names.end()) {
    lines += "runtime_supports_json = [";
    for (const std::string& name : names) lines += toml_string(name) + ", ";
    lines += toml_string(wanted.name);
    lines += "]\n";
  }
  if (!lines.empty()) lines.insert(0, "[engine]\n");
  lines += "[engine.runtimes]\n" + toml_key(wanted.name) + " = [" + toml_string(wanted.program) + "]\n";
  return write(path, wanted, lines, found);
}

Edit remove_drop_in(std::span<const ConfigFile> files, const std::string& path, string_view handler) {
  for (const ConfigFile& file : files) {
    if (file.path != path) continue;
    auto parted = part(file, handler);
    if (auto* refusal = std::get_if<Refusal>(&parted)) return *refusal;
    const auto& [rest, body] = std::get<Parted>(parted);
    if (body && rest.empty()) return RemoveFile{path};
    return Refusal{path, "somebody else has written in the handler's own file", "remove it by hand"};
  }
  return Unchanged{};
}

}  // namespace runi
