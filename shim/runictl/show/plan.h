// How the plan of an installation, and what became of it, are shown: text for people, JSON for programs.
#pragma once

#include "runictl/installer/plan.h"

#include <string>
#include <string_view>

namespace runi {

// What became of a plan.
struct Outcome {
  std::string host_root;
  bool is_dry_run = false;
  bool is_done = false;  // now, or before this run
  Refusal refusal;       // why nothing was tried; its cause is empty where it was
  std::string error;     // what failed; empty where nothing did
  std::string note;      // what could not be proven
};

[[nodiscard]] std::string text_of(const Plan& plan, const Outcome& outcome, bool colours);
[[nodiscard]] std::string json_of(const Plan& plan, const Outcome& outcome, std::string_view version);

}  // namespace runi
