// What runi would do with a container and why: as facts, as text for people, as JSON for programs.
#pragma once

#include "core/decide.h"
#include "core/edit.h"
#include "core/result.h"
#include "core/settings.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class StartOutcome {
  init,      // the container gets the init
  injected,  // it has the init already: runi has edited the specification
  plain,     // it starts without one, as none is wanted
  fallback,  // it starts without one, although one is wanted
  refused,   // it does not start
};

// "init", "plain", …
[[nodiscard]] std::string_view name_of(StartOutcome outcome);

// What explain_start() goes by; nothing of it is looked up there.
struct Start {
  std::string version;  // of the runi that would start the container
  std::string handler;
  std::string container;  // its engine's name for it; empty unless it was asked for by that name
  Settings settings;      // with the runtime's path if there is one
  Result<std::string> runtime = Error{};
  Result<std::string> init = Error{};
  std::string place;                          // where the specification was read
  Result<std::string> bytes = std::string();  // the specification, or why it could not be read
  Rootfs rootfs;
  std::string root;  // the root directory in words
};

struct Explanation {
  StartOutcome outcome = StartOutcome::plain;
  std::optional<Error> error;           // why the outcome is fallback or refused
  std::string injected_by;              // the version of runi that put the init in; empty if none did
  std::string injected_at;              // the init's path in the container then
  std::vector<Row> rows;                // empty where the specification could not be read
  Decision decision;                    // what the rows come to; means nothing without them
  std::vector<Annotation> annotations;  // those of runi's in the specification
  std::vector<Splice> edit;             // empty unless the outcome is init
  std::vector<std::string> diff;        // the edit as a unified diff of the laid-out file
};

// Views are of `start` and of `spec`, which was parsed from start.bytes.
[[nodiscard]] Explanation explain_start(const Start& start, const Result<Spec>& spec);

[[nodiscard]] std::string text_of(const Start& start, const Explanation& explanation, bool colours);
[[nodiscard]] std::string json_of(const Start& start, const Explanation& explanation);

}  // namespace runi
