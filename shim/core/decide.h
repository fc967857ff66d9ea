// All policy: whether a container gets the init, where the init is mounted, and how it is called.
#pragma once

#include "core/command_line.h"
#include "core/config.h"
#include "core/result.h"
#include "core/spec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// Why a container does or does not get the init; the order is the one in which they are tried.
enum class Reason {
  not_a_start,    // the verb is not create, run or restore
  disabled,       // by configuration or annotation
  no_process,     // nothing to put an init in front of
  sandbox,        // a pod's pause container, which reaps already
  shared_pid,     // its first process is not PID 1
  has_init,       // the command is an init of this kind already
  wants_pid1,     // the command is a full init system
  not_a_process,  // WebAssembly, a virtual machine: no exec
  no_command,     // the command is no program that the runtime would start
  set_user_id,    // the init could not signal the user that the command makes itself
  one_process,    // the init would leave the application no process
  seccomp,        // the container's profile would keep the init from its work, or end it
  no_place,       // no mount target is safe
  inject,
};

// "not-a-start", "disabled", …, "inject": as documents and messages write it.
[[nodiscard]] std::string_view name_of(Reason reason);

// What looking for the command in the root file system has come to.
struct CommandLookup {
  enum class Result {
    may_start,       // as far as can be told
    no_path,         // it has no slash, and there is no PATH
    relative,        // PATH leads to it by an element that is not absolute, which runtimes refuse or take
    absent,          // there is certainly no such file
    not_executable,  // it is a directory, or a file without execute permission for anyone
    not_permitted,   // execute permission, or that to search a directory, is not for the container's user
  };
  Result result = Result::may_start;
  std::string path;  // in the container, of what is there; may be empty
  // The user that a set-user-ID file belongs to, as the host numbers it.
  std::optional<std::uint64_t> set_user = {};
};

// What decide() must know of the root file system, which the specification only names.
struct Rootfs {
  bool known = false;            // false: it is not there, and nothing below but doubt means anything
  std::string doubt;             // why it cannot be told where the mounts land; empty where it can
  bool writable = false;         // not on a read-only mount or file system
  bool root_is_aliased = false;  // through a symbolic link some mount lands on the root directory itself
  bool dev_is_aliased = false;  // … on /dev; or /dev is a link, so that what is mounted there lands elsewhere
  bool run_is_aliased = false;  // the same of /run
  bool target_is_file = false;  // kRootfsTarget exists already and is a regular file
  bool target_exists = false;   // it exists and may be anything
  std::uint64_t owner_uid = 0;  // of the root directory, in the caller's user namespace
  std::uint64_t owner_gid = 0;
  CommandLookup command;  // whatever `known` says
};

// Where the init appears in a container, in the order in which the places are tried.
inline constexpr std::string_view kDevTarget = "/dev/.runi-init";
inline constexpr std::string_view kRunTarget = "/run/.runi-init";
inline constexpr std::string_view kRootfsTarget = "/.runi-init";

// Whether a command of this base name is an init of runi-init's kind.
[[nodiscard]] bool is_init(std::string_view name);

// The annotation that marks a container as a pod's sandbox; nothing where there is none.
[[nodiscard]] std::optional<std::string_view> find_sandbox_mark(const Spec& spec);

// How to call the init in the container.
struct Injection {
  std::string_view target;             // its path there, one of the three above
  std::vector<std::string> arguments;  // what goes before the application's own: target, options, "--"
};

struct Plan {
  Reason reason = Reason::not_a_start;
  std::string detail;                  // the evidence: which annotation, which command; may be empty
  std::optional<Injection> injection;  // present exactly when the reason is inject
  // Each annotation that was not heeded and why (annotations.h).
  std::vector<std::string> complaints;
};

// The decision table. Total: every input has an answer.
[[nodiscard]] Plan decide(const CommandLine& command, const Config& config, const Spec& spec,
                          const Rootfs& rootfs);

// One row of the decision table, asked by itself.
struct Row {
  Reason reason;
  std::optional<std::string> evidence;  // why the row fits; nothing where it does not
};

// Every row of the table but `inject`, in order, each as if the ones before it did not fit: for people who
// ask why. The first that fits is what decide() answers; where none does, that is inject.
[[nodiscard]] std::vector<Row> explain(const CommandLine& command, const Config& config, const Spec& spec,
                                       const Rootfs& rootfs);

// What onFailure is about: why the container cannot be started as configuration and annotations want it.
[[nodiscard]] std::optional<Error> failure_of(const Plan& plan, const Config& config);

}  // namespace runi
