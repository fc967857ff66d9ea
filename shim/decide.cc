#include "decide.h"

#include <algorithm>
#include <iterator>

namespace runi {
namespace {

using std::string_view;

constexpr string_view kInitAnnotation = "runi.dev/init";
constexpr string_view kPodmanInit = "io.podman.annotations.init";

// Programs that forward signals and reap: a second one in front of them would only complain or cost.
constexpr string_view kInits[] = {
    "runi-init",   ".runi-init", "tini", "tini-static", "dumb-init", "catatonit", "docker-init",
    "podman-init", "go-init",    "pid1", "my_init",     "minit",     "horust",    "pause",
};

// Programs that insist on being PID 1, or act as one.
constexpr string_view kInitSystems[] = {
    "init",     "systemd", "upstart",   "runit",         "runit-init",        "openrc-init",
    "sysvinit", "linuxrc", "s6-svscan", "s6-linux-init", "s6-overlay-suexec", "dinit",
    "finit",    "nosh",    "launchd",
};

// Annotations that only a pod's sandbox carries, and its value.
// Sources: containerd pkg/cri/annotations; CRI-O internal/annotations.
constexpr struct {
  string_view key;
  string_view value;
} kSandboxMarks[] = {
    {"io.kubernetes.cri.container-type", "sandbox"},
    {"io.kubernetes.cri-o.ContainerType", "sandbox"},
};

// The stop signal of the container, as podman and CRI-O note it, where it is the one that only systemd as PID
// 1 understands (systemd(1), SIGRTMIN+3). Podman sets it for --systemd=always and for what it takes for
// systemd.
constexpr string_view kStopSignal = "org.opencontainers.image.stopSignal";
constexpr string_view kSystemdStopSignals[] = {"37", "RTMIN+3", "SIGRTMIN+3"};

// Annotations by which crun hands a container to something that does not exec.
// Source: crun src/libcrun/custom-handler.c and handlers/wasmtime.c, handlers/krun.c.
constexpr string_view kHandlerMarks[] = {"run.oci.handler", "module.wasm.image/variant"};

string_view base_name(string_view path) {
  const auto slash = path.rfind('/');
  return slash == string_view::npos ? path : path.substr(slash + 1);
}

template <typename Range>
bool contains(const Range& range, string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

std::string quoted(string_view command) {
  return "\"" + std::string(command) + "\"";
}

// A row of the table: the evidence for its reason, or nothing.
using Evidence = std::optional<std::string>;

struct Question {
  const CommandLine& command;
  const Config& config;
  const Spec& spec;
  const Rootfs& rootfs;
};

Evidence not_a_start(const Question& q) {
  if (q.command.verb != Verb::other) return std::nullopt;
  return "the command is not create, run or restore";
}

Evidence disabled(const Question& q) {
  if (q.config.inject == Inject::never) return "configuration: inject is never";
  const auto wish = q.spec.annotation(kInitAnnotation);
  if (wish == "false") return "annotation runi.dev/init is false";
  if (q.config.inject == Inject::annotated && wish != "true") {
    return "configuration: inject is annotated, and annotation runi.dev/init is not true";
  }
  return std::nullopt;
}

Evidence no_process(const Question& q) {
  if (!q.spec.args.empty() && !q.spec.args[0].empty()) return std::nullopt;
  return "process.args is missing or names no command";
}

Evidence sandbox(const Question& q) {
  for (const auto& mark : kSandboxMarks) {
    if (q.spec.annotation(mark.key) == mark.value) return "annotation " + std::string(mark.key);
  }
  const auto& args = q.spec.args;
  if (args[0] == "/pause") return "command \"/pause\"";
  if (base_name(args[0]) == "catatonit" && args.size() > 1 && args[1] == "-P") return "command catatonit -P";
  return std::nullopt;
}

Evidence shared_pid(const Question& q) {
  if (q.spec.pid_namespace == PidNamespace::own || q.config.shared_pid == SharedPid::subreaper) {
    return std::nullopt;
  }
  return q.spec.pid_namespace == PidNamespace::joined ? "linux.namespaces joins another's pid namespace"
                                                      : "linux.namespaces has no pid namespace";
}

Evidence has_init(const Question& q) {
  const string_view command = q.spec.args[0];
  if (q.spec.annotation(kPodmanInit) == "TRUE") return "annotation " + std::string(kPodmanInit);
  if (contains(kInits, base_name(command)) || command == "/dev/init") return "command " + quoted(command);
  return std::nullopt;
}

Evidence wants_pid1(const Question& q) {
  const string_view command = q.spec.args[0];
  if (contains(kInitSystems, base_name(command))) return "command " + quoted(command);
  if (const auto stop = q.spec.annotation(kStopSignal); stop && contains(kSystemdStopSignals, *stop)) {
    return "annotation " + std::string(kStopSignal) + " is systemd's";
  }
  for (const std::string& skipped : q.config.skip_commands) {
    const bool by_path = skipped.find('/') != std::string::npos;
    if (skipped == (by_path ? command : base_name(command))) {
      return "configuration: skipCommands has " + quoted(skipped);
    }
  }
  return std::nullopt;
}

Evidence not_a_process(const Question& q) {
  for (const Annotation& annotation : q.spec.annotations) {
    if (contains(kHandlerMarks, annotation.key) || annotation.key.starts_with("krun.")) {
      return "annotation " + std::string(annotation.key);
    }
  }
  const string_view runtime = base_name(q.config.runtime);
  if (runtime == "krun" || runtime.starts_with("crun-")) return "runtime " + quoted(runtime);
  if (q.spec.args[0].ends_with(".wasm")) return "command " + quoted(q.spec.args[0]);
  return std::nullopt;
}

constexpr struct {
  Reason reason;
  Evidence (*find)(const Question&);
} kRows[] = {
    {Reason::not_a_start, not_a_start}, {Reason::disabled, disabled},
    {Reason::no_process, no_process},   {Reason::sandbox, sandbox},
    {Reason::shared_pid, shared_pid},   {Reason::has_init, has_init},
    {Reason::wants_pid1, wants_pid1},   {Reason::not_a_process, not_a_process},
};

// A destination as the runtimes take it: absolute, without "." and "..", "//" and a last slash.
std::string cleaned(string_view destination) {
  std::vector<string_view> parts;
  while (!destination.empty()) {
    const auto slash = std::min(destination.find('/'), destination.size());
    const string_view part = destination.substr(0, slash);
    destination.remove_prefix(std::min(slash + 1, destination.size()));
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string path;
  for (const string_view part : parts) path += "/" + std::string(part);
  return path.empty() ? "/" : path;
}

bool covers(const std::string& directory, string_view path) {
  return directory == "/" || path == directory ||
         (path.starts_with(directory) && path[directory.size()] == '/');
}

// What lies under `target` when everything is mounted. The last mount that covers it counts: a later one
// over a parent hides an earlier, deeper one.
struct Cover {
  bool present = false;
  bool usable = false;  // a tmpfs in which every user can reach a file
  std::string destination;
};

Cover cover_of(const Spec& spec, string_view target) {
  Cover cover;
  for (const Mount& mount : spec.mounts) {
    std::string destination = cleaned(mount.destination);
    if (covers(destination, target)) cover = {true, mount.tmpfs && mount.searchable, std::move(destination)};
  }
  return cover;
}

bool on_tmpfs(const Spec& spec, string_view target, string_view directory) {
  const Cover cover = cover_of(spec, target);
  return cover.present && cover.usable && cover.destination == directory;
}

bool maps(const std::vector<IdRange>& ranges, std::uint64_t id) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [id](const IdRange& range) { return id >= range.host && id - range.host < range.size; });
}

// Whether the runtime can put a file into the root directory, or finds one there. In a user namespace it
// can only where the directory's owner is mapped.
bool on_rootfs(const Spec& spec, const Rootfs& rootfs) {
  if (!rootfs.known || cover_of(spec, kRootfsTarget).present) return false;
  if (rootfs.target_exists) return rootfs.target_is_file;
  const bool owned = !spec.user_namespace ||
                     (maps(spec.host_uids, rootfs.owner_uid) && maps(spec.host_gids, rootfs.owner_gid));
  return rootfs.writable && owned;
}

// Runtimes mask last: over what is mounted, the init too.
bool is_masked(const Spec& spec, string_view target) {
  return std::any_of(spec.masked_paths.begin(), spec.masked_paths.end(),
                     [target](string_view path) { return covers(cleaned(path), target); });
}

std::optional<string_view> find_target(const Spec& spec, const Rootfs& rootfs) {
  if (rootfs.root_is_aliased) return std::nullopt;
  const bool dev = on_tmpfs(spec, kDevTarget, "/dev") && !rootfs.dev_is_aliased;
  const bool run = on_tmpfs(spec, kRunTarget, "/run") && !rootfs.run_is_aliased;
  if (dev && !is_masked(spec, kDevTarget)) return kDevTarget;
  if (run && !is_masked(spec, kRunTarget)) return kRunTarget;
  if (on_rootfs(spec, rootfs) && !is_masked(spec, kRootfsTarget)) return kRootfsTarget;
  return std::nullopt;
}

Injection injection_at(string_view target, const Config& config, const Spec& spec) {
  Injection injection{target, {std::string(target)}};
  if (spec.pid_namespace != PidNamespace::own) injection.arguments.emplace_back("-s");
  if (config.init_forward == Forward::group) injection.arguments.emplace_back("-g");
  injection.arguments.emplace_back("--");
  return injection;
}

}  // namespace

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::not_a_start: return "not-a-start";
    case Reason::disabled: return "disabled";
    case Reason::no_process: return "no-process";
    case Reason::sandbox: return "sandbox";
    case Reason::shared_pid: return "shared-pid";
    case Reason::has_init: return "has-init";
    case Reason::wants_pid1: return "wants-pid1";
    case Reason::not_a_process: return "not-a-process";
    case Reason::no_place: return "no-place";
    case Reason::inject: return "inject";
  }
  return "unknown";
}

Plan decide(const CommandLine& command, const Config& config, const Spec& spec, const Rootfs& rootfs) {
  const Question question{command, config, spec, rootfs};
  for (const auto& row : kRows) {
    if (auto evidence = row.find(question)) return {row.reason, std::move(*evidence), std::nullopt};
  }
  const auto target = find_target(spec, rootfs);
  if (!target) {
    return {Reason::no_place,
            "neither /dev nor /run is a usable tmpfs, and the root directory cannot take a file",
            std::nullopt};
  }
  return {Reason::inject, "at " + std::string(*target), injection_at(*target, config, spec)};
}

}  // namespace runi
