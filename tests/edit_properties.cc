#include "edit_properties.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>

namespace runi {
namespace {

constexpr std::string_view kExplainedOtherwise = "the rows do not come to what is decided";

// No runtime, no engine and no part of runi knows it.
constexpr std::string_view kUnknownMember = "frobnicate";

// nlohmann::json compares values by recursion.
bool is_too_deep(std::string_view bytes) {
  return std::count_if(bytes.begin(), bytes.end(), [](char c) { return c == '[' || c == '{'; }) > 1000;
}

std::span<const json::Value> values_of(const json::Document& document) {
  return {&document.root(), document.root().tree_size};
}

nlohmann::json as_values(const json::Value& value) {
  switch (value.kind) {
    case json::Kind::null: return nullptr;
    case json::Kind::boolean: return value.text == "true";
    case json::Kind::number: return nlohmann::json::parse(value.text, nullptr, false);
    case json::Kind::string: return std::string(value.text);
    case json::Kind::array: {
      auto array = nlohmann::json::array();
      for (const json::Value& child : value.children()) array.push_back(as_values(child));
      return array;
    }
    case json::Kind::object: break;
  }
  auto object = nlohmann::json::object();
  for (const json::Value& child : value.children()) object[std::string(child.key)] = as_values(child);
  return object;
}

// The same document with other blanks and escapes, and with a member more in each object.
std::string respelt(std::string_view bytes) {
  const std::string member = '"' + std::string(kUnknownMember) + R"(" :"-")";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '"') {
      for (text += bytes[i++]; bytes[i] != '"'; ++i) {
        const bool plain = (bytes[i] >= 'a' && bytes[i] <= 'z') || bytes[i] == '.';
        if (bytes[i] == '\\') {
          const std::size_t length = bytes[i + 1] == 'u' ? 6 : 2;
          text += bytes.substr(i, length);
          i += length - 1;
        } else if (plain && i % 3 == 0) {
          static constexpr char kDigits[] = "0123456789abcdef";
          text += R"(\u00)";
          text += kDigits[bytes[i] / 16];
          text += kDigits[bytes[i] % 16];
        } else {
          text += bytes[i];
        }
      }
      text += '"';
    } else if (c == '{') {
      const auto next = bytes.find_first_not_of(" \t\r\n", i + 1);
      text += c + member + (bytes[next] == '}' ? "\r" : ", ");
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      continue;
    } else {
      text += c;
      if (std::string_view("[]},:").find(c) != std::string_view::npos) text += "\n\t";
    }
  }
  return text;
}

// The edit as a library would make it, on values instead of bytes.
nlohmann::json edit_as_values(nlohmann::json spec, const Injection& injection) {
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

// Whether only the splices tell the edited file from the original, and they take nothing away but a null or
// an older value of the annotation.
std::string find_splice_fault(std::string_view original, const Verdict& verdict) {
  const auto spec = parse_spec(original);
  std::string edited;
  std::size_t at = 0;
  for (const Splice& splice : splices_of(*spec, *verdict.injection, kTestInitPath, kTestVersion)) {
    if (splice.begin < at || splice.end < splice.begin || splice.end > original.size()) {
      return "splices overlap";
    }
    const std::string_view replaced = original.substr(splice.begin, splice.end - splice.begin);
    const bool may_replace =
        replaced.empty() || (replaced == "null" && !splice.pointer.ends_with('-')) ||
        (replaced.starts_with('"') && splice.pointer == "/annotations/runi.dev~1injected");
    if (!may_replace) return "a splice takes something away";
    edited += original.substr(at, splice.begin - at);
    edited += splice.text;
    at = splice.end;
  }
  edited += original.substr(at);
  return edited == verdict.edited ? "" : "bytes outside the edit changed";
}

constexpr std::size_t kLongestReason = 1'200;

}  // namespace

Verdict judge(const CommandLine& command, const Config& config, const Rootfs& rootfs,
              std::string_view bytes) {
  const auto spec = parse_spec(bytes);
  if (!spec) return {"unreadable: " + spec.error().what, std::nullopt, "", {}};
  Decision decision = decide(command, config, *spec, rootfs);
  // The rows, each asked by itself, must come to the same.
  Reason first = Reason::inject;
  std::string evidence = decision.detail;
  for (const Row& row : explain(command, config, *spec, rootfs)) {
    if (!row.evidence) continue;
    first = row.reason;
    evidence = *row.evidence;
    break;
  }
  if (first != decision.reason || evidence != decision.detail) {
    return {std::string(kExplainedOtherwise), std::nullopt, "", {}};
  }
  Verdict verdict{std::string(name_of(decision.reason)) + ": " + decision.detail, std::nullopt, "",
                  std::move(decision.complaints)};
  if (decision.reason == Reason::inject) {
    verdict.injection = std::move(decision.injection);
    verdict.edited = inject(bytes, *spec, *verdict.injection, kTestInitPath, kTestVersion);
  }
  return verdict;
}

std::string find_fault(std::string_view original, const Verdict& verdict, const CommandLine& command,
                       const Config& config, const Rootfs& rootfs) {
  const std::string& reason = verdict.reason;
  if (reason == kExplainedOtherwise) return reason;
  if (reason.ends_with(": ")) return "decided without evidence";
  if (reason.starts_with("unknown")) return "a reason without a name";
  if (verdict.injection.has_value() != reason.starts_with("inject: ")) return "a reason without its plan";
  // For people, and in a log: no word of a stranger's makes it long, or something that a terminal obeys.
  const bool is_line = reason.size() < kLongestReason &&
                       std::all_of(reason.begin(), reason.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!is_line) return "no short line of printable ASCII: " + reason;

  const auto document = json::Document::parse(original, json::Comments::refused);
  if (!document) {
    return reason.starts_with("unreadable: not JSON: ") ? "" : "decided on what is no JSON: " + reason;
  }
  const auto values = values_of(*document);
  if (std::none_of(values.begin(), values.end(),
                   [](const json::Value& value) { return value.key == kUnknownMember; })) {
    const Verdict second = judge(command, config, rootfs, respelt(original));
    if (second.reason != reason) {
      return "decided on the spelling: " + reason + ", and then " + second.reason;
    }
    if (second.complaints != verdict.complaints) return "complaints depend on the spelling";
    if (verdict.injection && second.injection->arguments != verdict.injection->arguments) {
      return "arguments depend on the spelling";
    }
  }

  if (!verdict.injection) return "";
  if (command.verb == Verb::other) return "injected into what is no start";
  const auto& arguments = verdict.injection->arguments;
  if (arguments.front() != verdict.injection->target || arguments.back() != "--") {
    return "the init is called otherwise than by its place, or takes the application's words for its own";
  }
  if (std::string fault = find_splice_fault(original, verdict); !fault.empty()) return fault;
  if (!is_too_deep(original)) {
    const auto before = nlohmann::json::parse(original, nullptr, false);
    const auto after = nlohmann::json::parse(verdict.edited, nullptr, false);
    if (before.is_discarded() || after.is_discarded()) return "not JSON";
    if (after != edit_as_values(before, *verdict.injection)) return "means something else than the edit";
  }
  const std::string again = judge(command, config, rootfs, verdict.edited).reason;
  return again.starts_with("has-init: ") ? "" : "a second pass does not see the init: " + again;
}

std::string find_reading_fault(std::string_view bytes, json::Comments comments) {
  if (is_too_deep(bytes)) return "";
  const auto document = json::Document::parse(bytes, comments);
  const bool with_comments = comments == json::Comments::allowed;
  const auto expected = nlohmann::json::parse(bytes, nullptr, false, with_comments);
  if (!document) {
    const bool refused = expected.is_discarded() || bytes.find('\0') != std::string_view::npos ||
                         bytes.starts_with("\xEF\xBB\xBF");
    return refused ? "" : "JSON is refused: " + document.error().what;
  }
  if (expected.is_discarded()) return "what is no JSON is read";
  if (as_values(document->root()) != expected) return "read as another value";
  if (with_comments) return "";
  for (const json::Value& value : values_of(*document)) {
    const std::string_view text = bytes.substr(value.begin, value.end - value.begin);
    bool fits = text == value.text;
    if (value.kind == json::Kind::array) fits = text.starts_with('[') && text.ends_with(']');
    if (value.kind == json::Kind::object) fits = text.starts_with('{') && text.ends_with('}');
    if (value.kind == json::Kind::string) {
      fits = text == '"' + std::string(value.text) + '"' ||
             nlohmann::json::parse(text, nullptr, false) == value.text;
    }
    if (!fits) return "a value stands elsewhere: " + std::string(text);
  }
  return "";
}

}  // namespace runi
