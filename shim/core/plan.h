// What comes of a start: the order in which its steps are taken and can fail. Pure; the facts are asked for.
#pragma once

#include "core/command_line.h"
#include "core/decide.h"
#include "core/result.h"
#include "core/rootfs.h"
#include "core/settings.h"
#include "core/spec.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// What a plan depends on besides command line and settings. Looking costs time, so each function is called at
// most once, in this order, and only if the answer still matters.
struct StartFacts {
  Result<std::string> runtime;  // the runtime's path, or why there is none
  std::string place;            // the path of config.json, for messages
  // The bytes of config.json, which outlive the plan; an empty optional if it does not exist.
  std::function<Result<std::optional<std::string_view>>()> read_spec;
  std::function<Rootfs(const Spec&)> look_at_rootfs;
  std::function<Result<std::string>()> find_init;  // its path on the host
};

struct StartPlan {
  std::optional<Spec> spec;             // of config.json, if it was read; views of its bytes
  std::optional<Reason> reason;         // nothing if it came to no decision
  std::string detail;                   // the evidence for the reason
  std::vector<std::string> complaints;  // the annotations that the container starts without, and why
  std::string edited;                   // the new config.json, where injects()
  std::optional<Error> failure;         // why the init, or the start itself, cannot be had as it was wanted
  bool starts = true;                   // false: the runtime must not be started, because of `failure`

  // Whether the container gets the init.
  [[nodiscard]] bool injects() const { return reason == Reason::inject && !failure; }
};

// Why nothing starts, whatever config.json says.
[[nodiscard]] std::optional<Error> failure_of(const Settings& settings, const Result<std::string>& runtime);

// What comes of create, run or restore. `settings.config.runtime` is the runtime's path if there is one;
// `version` is the one to note in the edit. A config.json that does not exist is the runtime's to complain
// of.
[[nodiscard]] StartPlan plan_start(const CommandLine& command, const Settings& settings,
                                   const StartFacts& facts, std::string_view version);

// Changes the plan to what onFailure says, because the container cannot have its init.
void fail(StartPlan& plan, Error why, const Config& config);

// The decision in a word: a reason's name, or "failed" where none was reached or the init cannot be had.
[[nodiscard]] std::string_view decision_of(const StartPlan& plan);

}  // namespace runi
