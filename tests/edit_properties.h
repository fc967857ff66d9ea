// What every edit of a config.json must satisfy, checked with means of its own: for the golden and the fuzz
// tests.
#pragma once

#include "edit.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace runi {

inline constexpr std::string_view kTestInitPath = "/usr/libexec/runi/runi-init";
inline constexpr std::string_view kTestVersion = "9.9.9";

inline constexpr std::string_view kExplainedOtherwise = "the rows do not come to what is decided";

// The answer to one config.json: why not, or the edited bytes.
struct Verdict {
  std::string reason;  // "inject: …", "has-init: …", or "unreadable: …"
  std::optional<Injection> injection;
  std::string edited;  // empty without an injection
};

inline Verdict judge(const CommandLine& command, const Config& config, const Rootfs& rootfs,
                     std::string_view bytes) {
  const auto spec = parse_spec(bytes);
  if (!spec) return {"unreadable: " + spec.error().what, std::nullopt, ""};
  Plan plan = decide(command, config, *spec, rootfs);
  // The rows, each asked by itself, must come to the same.
  Reason first = Reason::inject;
  std::string evidence = plan.detail;
  for (const Row& row : explain(command, config, *spec, rootfs)) {
    if (!row.evidence) continue;
    first = row.reason;
    evidence = *row.evidence;
    break;
  }
  if (first != plan.reason || evidence != plan.detail) {
    return {std::string(kExplainedOtherwise), std::nullopt, ""};
  }
  Verdict verdict{std::string(name_of(plan.reason)) + ": " + plan.detail, std::move(plan.injection), ""};
  if (verdict.injection) {
    verdict.edited = inject(bytes, *spec, *verdict.injection, kTestInitPath, kTestVersion);
  }
  return verdict;
}

// Takes the first `part` out of `text`; false where there is none.
inline bool take_out(std::string& text, std::string_view part) {
  const auto at = text.find(part);
  if (at == std::string::npos) return false;
  text.erase(at, part.size());
  return true;
}

// The edit as a library would make it, on values instead of bytes.
inline nlohmann::json edit_as_values(nlohmann::json spec, const Injection& injection) {
  auto args = nlohmann::json::array();
  for (const std::string& argument : injection.arguments) args.push_back(argument);
  for (const auto& argument : spec["process"]["args"]) args.push_back(argument);
  spec["process"]["args"] = args;
  spec["mounts"].push_back({{"destination", injection.target},
                            {"type", "bind"},
                            {"source", kTestInitPath},
                            {"options", {"bind", "ro", "nosuid", "nodev", "rprivate"}}});
  spec["annotations"]["runi.dev/injected"] = kTestVersion;
  return spec;
}

// Why the verdict on `original` is wrong; empty where it is right. Holds for originals in which neither the
// name of the annotation nor that of the mount's target occurs.
inline std::string find_fault(std::string_view original, const Verdict& verdict, const CommandLine& command,
                              const Config& config, const Rootfs& rootfs) {
  if (verdict.reason == kExplainedOtherwise) return verdict.reason;
  if (!verdict.injection) return "";
  // The same meaning as an edit of the values.
  const auto before = nlohmann::json::parse(original, nullptr, false);
  const auto after = nlohmann::json::parse(verdict.edited, nullptr, false);
  if (before.is_discarded() || after.is_discarded()) return "not JSON";
  if (after != edit_as_values(before, *verdict.injection)) return "means something else than the edit";
  // The same bytes outside the insertions: without them the original is back.
  std::string rest = verdict.edited;
  std::string args;
  for (const std::string& argument : verdict.injection->arguments) args += json::quote(argument) + ",";
  if (!take_out(rest, args)) return "no arguments inserted";
  const std::string mount = R"({"destination":")" + std::string(verdict.injection->target) +
                            R"(","type":"bind","source":")" + std::string(kTestInitPath) +
                            R"(","options":["bind","ro","nosuid","nodev","rprivate"]})";
  const bool no_mounts = !before.contains("mounts");
  const bool null_mounts = !no_mounts && before["mounts"].is_null();
  if (no_mounts ? !take_out(rest, R"("mounts":[)" + mount + "],")
                : !take_out(rest, "," + mount) && !take_out(rest, mount)) {
    return "no mount inserted";
  }
  const std::string annotation = R"("runi.dev/injected":")" + std::string(kTestVersion) + "\"";
  const bool no_annotations = !before.contains("annotations");
  const bool null_annotations = !no_annotations && before["annotations"].is_null();
  if (no_annotations ? !take_out(rest, R"("annotations":{)" + annotation + "},")
                     : !take_out(rest, annotation + ",") && !take_out(rest, annotation)) {
    return "no annotation inserted";
  }
  if (!null_mounts && !null_annotations && rest != original) return "bytes outside the edit changed";
  // And once is enough.
  if (judge(command, config, rootfs, verdict.edited).injection) return "a second pass edits again";
  return "";
}

}  // namespace runi
