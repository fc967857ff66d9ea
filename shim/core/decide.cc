#include "core/decide.h"

#include "core/annotations.h"
#include "core/engine_keys.h"
#include "core/init_systems.h"
#include "core/json.h"
#include "core/path.h"
#include "core/seccomp_profile.h"

#include <algorithm>
#include <iterator>

namespace runi {
namespace {

using std::string_view;

constexpr string_view kPodmanInit = "io.podman.annotations.init";

// Programs that forward signals and reap: a second one in front of them would only complain or cost.
constexpr string_view kInits[] = {
    "runi-init",   ".runi-init", "tini", "tini-static", "dumb-init", "catatonit", "docker-init",
    "podman-init", "go-init",    "pid1", "my_init",     "minit",     "horust",    "pause",
};

// A pod's sandbox has kSandboxType in one of these.
constexpr string_view kContainerTypes[] = {kContainerdContainerType, kCrioContainerType};

// The stop signal of the container, as podman and CRI-O note it, where it is the one that only systemd as PID
// 1 understands (systemd(1), SIGRTMIN+3). Podman sets it for --systemd=always and for what it takes for
// systemd.
constexpr string_view kStopSignal = "org.opencontainers.image.stopSignal";
constexpr string_view kSystemdStopSignals[] = {"37", "RTMIN+3", "SIGRTMIN+3"};

// Annotations by which crun hands a container to something that does not exec.
// Source: crun src/libcrun/custom-handler.c and handlers/wasmtime.c, handlers/krun.c.
constexpr string_view kHandlerMarks[] = {"run.oci.handler", "module.wasm.image/variant"};

template <typename Range>
bool contains(const Range& range, string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

// A row of the table: the evidence for its reason, or nothing.
using Evidence = std::optional<std::string>;

struct Question {
  const CommandLine& command;
  const Config& config;
  const Spec& spec;
  const Wishes& wishes;
  const Rootfs& rootfs;
  mutable std::optional<Result<seccomp::Fit>> fit;  // see fit_of()
};

// args[0]; empty where there is none, so that every row can be asked of every container.
string_view command_of(const Question& q) {
  return q.spec.args.empty() ? string_view() : q.spec.args[0];
}

Evidence not_a_start(const Question& q) {
  if (q.command.verb != Verb::other) return std::nullopt;
  return "the command is not create, run or restore";
}

Evidence disabled(const Question& q) {
  if (q.config.inject == Inject::never) return "configuration: inject is never";
  if (q.wishes.init == false) return "annotation " + q.wishes.init_from + " is false";
  if (q.config.inject == Inject::annotated && q.wishes.init != true) {
    return "configuration: inject is annotated, and annotation runi.dev/init is not true";
  }
  return std::nullopt;
}

Evidence no_process(const Question& q) {
  if (!command_of(q).empty()) return std::nullopt;
  return "process.args is missing or names no command";
}

Evidence sandbox(const Question& q) {
  if (const auto mark = find_sandbox_mark(q.spec)) return "annotation " + std::string(*mark);
  const string_view command = command_of(q);
  if (command == "/pause") return "command \"/pause\"";
  if (base_name(command) == "catatonit" && q.spec.args.size() > 1 && q.spec.args[1] == "-P") {
    return "command catatonit -P";
  }
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
  const string_view command = command_of(q);
  if (q.spec.annotation(kPodmanInit) == "TRUE") return "annotation " + std::string(kPodmanInit);
  if (is_init(base_name(command)) || command == "/dev/init") return "command " + json::cite(command);
  return std::nullopt;
}

Evidence wants_pid1(const Question& q) {
  const string_view command = command_of(q);
  if (auto found = find_init_system(without_multi_call(q.spec.args))) return found;
  if (const auto stop = q.spec.annotation(kStopSignal); stop && contains(kSystemdStopSignals, *stop)) {
    return "annotation " + std::string(kStopSignal) + " is systemd's";
  }
  for (const std::string& skipped : q.config.skip_commands) {
    const bool by_path = skipped.find('/') != std::string::npos;
    if (skipped == (by_path ? command : base_name(command))) {
      return "configuration: skipCommands has " + json::cite(skipped);
    }
  }
  return std::nullopt;
}

Evidence not_a_process(const Question& q) {
  for (const Annotation& annotation : q.spec.annotations) {
    if (contains(kHandlerMarks, annotation.key) || annotation.key.starts_with("krun.")) {
      return "annotation " + json::cite_token(annotation.key);
    }
  }
  const string_view runtime = base_name(q.config.runtime);
  if (names_a_handler(runtime)) return "runtime " + json::cite(runtime);
  if (command_of(q).ends_with(".wasm")) return "command " + json::cite(command_of(q));
  return std::nullopt;
}

// The runtime finds the init and so would no longer find out that the command does not start: what is an
// error of create without an init would become one of the application. A restore executes nothing.
Evidence no_command(const Question& q) {
  using Result = CommandLookup::Result;
  if (q.command.verb == Verb::restore) return std::nullopt;
  const CommandLookup& lookup = q.rootfs.command;
  const std::string command = "command " + json::cite(command_of(q));
  const bool by_path = command_of(q).find('/') == string_view::npos;
  switch (lookup.result) {
    case Result::may_start: return std::nullopt;
    case Result::no_path: return command + ", and PATH is missing or empty";
    case Result::relative: return command + " may be found by an element of PATH that is not absolute";
    case Result::absent: return command + (by_path ? " is in no directory of PATH" : " does not exist");
    case Result::not_executable: return command + ": " + json::cite(lookup.path) + " is not executable";
    case Result::not_permitted:
      return command + ": user " + std::to_string(q.spec.user.uid) + " may not execute " +
             json::cite(lookup.path);
  }
  return std::nullopt;
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

constexpr const char* kUnbindable = "linux.rootfsPropagation lets bind mounts fail";
constexpr const char* kRootIsCovered = "a symbolic link leads a mount onto the root directory";
constexpr const char* kNoPlace =
    "neither /dev nor /run is a usable tmpfs, and the root directory cannot take a file";

// Runtimes mask last: over what is mounted, the init too.
bool is_masked(const Spec& spec, string_view target) {
  return std::any_of(spec.masked_paths.begin(), spec.masked_paths.end(),
                     [target](string_view path) { return covers(cleaned(path), target); });
}

// Errors: there is no such place, and why.
Result<string_view> find_target(const Spec& spec, const Rootfs& rootfs) {
  if (spec.unbindable) return Error{kUnbindable};
  if (!rootfs.doubt.empty()) return Error{rootfs.doubt};
  if (rootfs.root_is_aliased) return Error{kRootIsCovered};
  const bool dev = on_tmpfs(spec, kDevTarget, "/dev") && !rootfs.dev_is_aliased;
  const bool run = on_tmpfs(spec, kRunTarget, "/run") && !rootfs.run_is_aliased;
  if (dev && !is_masked(spec, kDevTarget)) return kDevTarget;
  if (run && !is_masked(spec, kRunTarget)) return kRunTarget;
  if (on_rootfs(spec, rootfs) && !is_masked(spec, kRootfsTarget)) return kRootfsTarget;
  return Error{kNoPlace};
}

Injection injection_at(string_view target, Tuning tuning, const Spec& spec) {
  Injection injection{target, {std::string(target)}};
  if (spec.pid_namespace != PidNamespace::own) {
    injection.arguments.emplace_back("-s");
    tuning.stop_signals.reset();  // no PID 1: the kernel would shield it from nothing
  }
  const auto stop = spec.annotation(kStopSignal);
  if (stop && tuning.stop_signals) {
    (void)add_stop_signal(*stop, *tuning.stop_signals);  // what is none is not the init's
  }
  for (std::string& word : options_for(tuning)) injection.arguments.push_back(std::move(word));
  injection.arguments.emplace_back("--");
  return injection;
}

// A pod's sandbox is given the annotations of its containers, to each of which they are told again.
bool must_tell(const Question& q) {
  return q.config.inject != Inject::never && !no_process(q) && !sandbox(q);
}

// The init could only become the application, in a container whose processes then do not run its file: what
// protects the file from change and lease while it is run (SECURITY.md) would be missing.
// Only where the file is what it seems: a mount over it, or a user namespace, leaves that open.
Evidence set_user_id(const Question& q) {
  const CommandLookup& lookup = q.rootfs.command;
  if (!lookup.set_user || *lookup.set_user == q.spec.user.uid || q.spec.user_namespace) return std::nullopt;
  if (q.spec.no_new_privileges || q.spec.may_kill || q.spec.may_set_user) return std::nullopt;
  return "command " + json::cite(command_of(q)) + ": " + json::cite(lookup.path) +
         " is set-user-ID to user " + std::to_string(*lookup.set_user) +
         ", whom an init without CAP_KILL cannot signal";
}

Evidence one_process(const Question& q) {
  if (!q.spec.one_process) return std::nullopt;
  return "linux.resources.pids.limit is 1, so there is no room for the init";
}

// With this annotation crun takes a filter from there instead of the profile
// (crun src/libcrun/linux.c, "run.oci.seccomp_bpf_data").
constexpr string_view kFilterMark = "run.oci.seccomp_bpf_data";

// How the init fits the container's profile; worked out once.
const Result<seccomp::Fit>& fit_of(const Question& q) {
  if (!q.fit) q.fit = seccomp::judge(q.spec, injection_at(kDevTarget, q.wishes.tuning, q.spec).arguments);
  return *q.fit;
}

Evidence seccomp(const Question& q) {
  if (dialect_of(q.config.runtime) == Dialect::crun && q.spec.annotation(kFilterMark)) {
    return "annotation " + std::string(kFilterMark) + " hides what is allowed";
  }
  if (q.spec.seccomp_value == nullptr) return std::nullopt;
  if (fit_of(q)) return std::nullopt;
  return fit_of(q).error().what;
}

constexpr struct {
  Reason reason;
  Evidence (*find)(const Question&);
} kRows[] = {
    {Reason::not_a_start, not_a_start}, {Reason::disabled, disabled},
    {Reason::no_process, no_process},   {Reason::sandbox, sandbox},
    {Reason::shared_pid, shared_pid},   {Reason::has_init, has_init},
    {Reason::wants_pid1, wants_pid1},   {Reason::not_a_process, not_a_process},
    {Reason::no_command, no_command},   {Reason::set_user_id, set_user_id},
    {Reason::one_process, one_process}, {Reason::seccomp, seccomp},
};

}  // namespace

std::optional<string_view> find_sandbox_mark(const Spec& spec) {
  for (const string_view key : kContainerTypes) {
    if (spec.annotation(key) == kSandboxType) return key;
  }
  return std::nullopt;
}

bool is_init(string_view name) {
  return contains(kInits, name);
}

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
    case Reason::no_command: return "no-command";
    case Reason::set_user_id: return "set-user-id";
    case Reason::one_process: return "one-process";
    case Reason::seccomp: return "seccomp";
    case Reason::no_place: return "no-place";
    case Reason::inject: return "inject";
  }
  return "unknown";
}

Decision decide(const CommandLine& command, const Config& config, const Spec& spec, const Rootfs& rootfs) {
  Wishes wishes = read_wishes(spec, config);
  const Question question{command, config, spec, wishes, rootfs, {}};
  Decision decision;
  if (command.verb != Verb::other && must_tell(question)) decision.complaints = std::move(wishes.complaints);
  for (const auto& row : kRows) {
    if (auto evidence = row.find(question)) {
      decision.reason = row.reason;
      decision.detail = std::move(*evidence);
      return decision;
    }
  }
  const auto target = find_target(spec, rootfs);
  if (!target) {
    decision.reason = Reason::no_place;
    decision.detail = target.error().what;
    return decision;
  }
  decision.reason = Reason::inject;
  decision.detail = "at " + std::string(*target);
  if (const auto& fit = fit_of(question); !fit || !fit->shield) wishes.tuning.stop_signals.reset();
  decision.injection = injection_at(*target, wishes.tuning, spec);
  return decision;
}

std::vector<Row> explain(const CommandLine& command, const Config& config, const Spec& spec,
                         const Rootfs& rootfs) {
  const Wishes wishes = read_wishes(spec, config);
  const Question question{command, config, spec, wishes, rootfs, {}};
  std::vector<Row> rows;
  for (const auto& row : kRows) rows.push_back({row.reason, row.find(question)});
  const auto target = find_target(spec, rootfs);
  rows.push_back({Reason::no_place, target ? Evidence() : Evidence(target.error().what)});
  return rows;
}

std::optional<Error> failure_of(const Decision& decision, const Config& config) {
  if (!decision.complaints.empty() && config.on_failure == OnFailure::fail) {
    std::string what;
    for (const std::string& complaint : decision.complaints) what += (what.empty() ? "" : "; ") + complaint;
    return Error{std::move(what)};
  }
  if (decision.reason != Reason::set_user_id && decision.reason != Reason::one_process &&
      decision.reason != Reason::seccomp && decision.reason != Reason::no_place) {
    return std::nullopt;
  }
  return with_context(name_of(decision.reason), Error{decision.detail});
}

}  // namespace runi
