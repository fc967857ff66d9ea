// All policy: whether a container gets the init, where the init is mounted, and how it is called.
#pragma once

#include "core/command_line.h"
#include "core/config.h"
#include "core/result.h"
#include "core/rootfs.h"
#include "core/spec.h"

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

// Whether a command of this base name is an init of runi-init's kind.
[[nodiscard]] bool is_init(std::string_view name);

// The annotation that marks a container as a pod's sandbox; nothing where there is none.
[[nodiscard]] std::optional<std::string_view> find_sandbox_mark(const Spec& spec);

// How to call the init in the container.
struct Injection {
  std::string_view target;             // its path there: kDevTarget, kRunTarget or kRootfsTarget
  std::vector<std::string> arguments;  // what goes before the application's own: target, options, "--"
};

struct Decision {
  Reason reason = Reason::not_a_start;
  std::string detail;                   // the evidence: which annotation, which command
  Injection injection;                  // only where the reason is inject
  std::vector<std::string> complaints;  // each annotation that is ignored and why (annotations.h)
};

// The decision table. Total: every input has an answer.
[[nodiscard]] Decision decide(const CommandLine& command, const Config& config, const Spec& spec,
                              const Rootfs& rootfs);

// One row of the decision table, asked by itself.
struct Row {
  Reason reason;
  std::optional<std::string> evidence;  // why the row matches; nothing if it does not
};

// Every row of the table but `inject`, in order, each as if the ones before did not match: to explain a
// decision. The first that matches is the answer of decide(); if no row does, that is inject.
[[nodiscard]] std::vector<Row> explain(const CommandLine& command, const Config& config, const Spec& spec,
                                       const Rootfs& rootfs);

// What onFailure is about: why the container cannot be started as configuration and annotations want it.
[[nodiscard]] std::optional<Error> failure_of(const Decision& decision, const Config& config);

}  // namespace runi
