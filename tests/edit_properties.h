// What every reading and every edit of a config.json must satisfy, checked with means of its own: for the
// golden and the fuzz tests.
#pragma once

#include "core/edit.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

inline constexpr std::string_view kTestInitPath = "/usr/libexec/runi/runi-init";
inline constexpr std::string_view kTestVersion = "9.9.9";

// The answer to one config.json: why not, or the edited bytes.
struct Verdict {
  std::string reason;  // "inject: …", "has-init: …", or "unreadable: …"
  std::optional<Injection> injection;
  std::string edited;                   // empty without an injection
  std::vector<std::string> complaints;  // as the decision's
};

Verdict judge(const CommandLine& command, const Config& config, const Rootfs& rootfs, std::string_view bytes);

// Why the verdict on `original` is wrong; empty where it is right. What it must not depend on, how the JSON
// is spelt and what is unknown in it, is changed for a second opinion.
std::string find_fault(std::string_view original, const Verdict& verdict, const CommandLine& command,
                       const Config& config, const Rootfs& rootfs);

// How json::Document differs from nlohmann::json about `bytes`, in what is JSON, in a value or in a place;
// empty where they agree.
std::string find_reading_fault(std::string_view bytes, json::Comments comments);

}  // namespace runi
