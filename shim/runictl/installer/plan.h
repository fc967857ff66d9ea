// The plan of an installation or its removal: from facts to steps. Pure.
#pragma once

#include "runictl/engines/edit.h"
#include "runictl/installer/facts.h"
#include "runictl/installer/record.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace runi {

// The engine's own program reads the files as they would be, and may find nothing else changed than the
// handler.
struct JudgeCandidate {
  ConfigFile candidate;
};
// The engine is made to read its configuration again.
struct ReloadEngine {
  bool is_restart = true;
  RestartBy by = RestartBy::systemd;
};
// The engine answers and, where it lists its handlers, names this one.
struct AwaitEngine {
  std::string handler;  // empty: any answer will do
};
// One container runs.
struct ProveHandler {};

using Step = std::variant<Change, JudgeCandidate, ReloadEngine, AwaitEngine, ProveHandler>;

struct Plan {
  std::vector<Step> steps;  // in order
  Entry begun;              // what the record says while they are done
  Entry entry;              // what the record says of it afterwards; without files nothing is left of it
  std::vector<std::string> notes;  // what is left alone and why, a line each
};

// Whether there is nothing to do: no step, and the record says already what it is to say.
[[nodiscard]] bool is_done(const Plan& plan, const Record& record);

using Planned = std::variant<Plan, Refusal>;

// `record` is what earlier runs have left.
[[nodiscard]] Planned plan_install(const HostFacts& facts, const InstallWanted& wanted, const Record& record);

// The programs that another entry of the record uses stay.
[[nodiscard]] Planned plan_uninstall(const HostFacts& facts, const UninstallWanted& wanted,
                                     const Record& record);

}  // namespace runi
