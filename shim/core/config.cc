#include "core/config.h"

#include "core/json.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace runi {
namespace {

using json::Kind;
using json::Value;

struct Member;
using Apply = Result<void> (*)(const Value& value, const std::string& pointer, Config& config);

struct Member {
  std::string_view name;
  Apply apply;
};

Error expected(const std::string& pointer, const std::string& what, const Value& found) {
  std::string seen(name_of(found.kind));
  if (found.kind == Kind::string) seen = json::cite(found.text);
  if (found.kind == Kind::number || found.kind == Kind::boolean) seen = json::cite_token(found.text);
  return Error{(pointer.empty() ? "" : pointer + ": ") + "expected " + what + ", found " + seen};
}

Error unknown_key(const std::string& pointer, std::span<const Member> members) {
  std::string what = pointer + ": unknown key; expected one of ";
  for (const Member& member : members) {
    if (&member != members.data()) what += ", ";
    what += member.name;
  }
  return Error{what};
}

Result<void> apply_members(const Value& object, const std::string& pointer, std::span<const Member> members,
                           Config& config) {
  if (object.kind != Kind::object) return expected(pointer, "an object", object);
  std::vector<std::string_view> seen;
  for (const Value& value : object.children()) {
    const Member* member = nullptr;
    for (const Member& candidate : members) {
      if (candidate.name == value.key) member = &candidate;
    }
    if (member == nullptr) return unknown_key(pointer + "/" + json::cite_token(value.key), members);
    const std::string place = pointer + "/" + std::string(member->name);
    for (const std::string_view name : seen) {
      if (name == value.key) return Error{place + ": appears twice"};
    }
    seen.push_back(value.key);
    if (auto applied = member->apply(value, place, config); !applied) return applied;
  }
  return {};
}

template <typename Enum>
struct Word {
  std::string_view word;
  Enum meaning;
};

template <typename Enum>
Result<void> apply_word(const Value& value, const std::string& pointer, std::span<const Word<Enum>> words,
                        Enum& target) {
  std::string choices;
  for (const auto& [word, meaning] : words) {
    if (value.kind == Kind::string && value.text == word) {
      target = meaning;
      return {};
    }
    if (!choices.empty()) choices += " or ";
    choices += json::quote(word);
  }
  return expected(pointer, choices, value);
}

Result<void> apply_path(const Value& value, const std::string& pointer, std::string& target) {
  if (value.kind != Kind::string || !value.text.starts_with('/') || value.text.ends_with('/') ||
      value.text.find('\0') != std::string_view::npos) {
    return expected(pointer, "the absolute path of a file", value);
  }
  target = value.text;
  return {};
}

Result<void> apply_runtime(const Value& value, const std::string& pointer, Config& config) {
  return apply_path(value, pointer, config.runtime);
}

Result<void> apply_inject(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Word<Inject> kWords[] = {
      {"always", Inject::always}, {"annotated", Inject::annotated}, {"never", Inject::never}};
  return apply_word<Inject>(value, pointer, kWords, config.inject);
}

Result<void> apply_on_failure(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Word<OnFailure> kWords[] = {{"skip", OnFailure::skip}, {"fail", OnFailure::fail}};
  return apply_word<OnFailure>(value, pointer, kWords, config.on_failure);
}

Result<void> apply_shared_pid(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Word<SharedPid> kWords[] = {{"skip", SharedPid::skip},
                                               {"subreaper", SharedPid::subreaper}};
  return apply_word<SharedPid>(value, pointer, kWords, config.shared_pid);
}

Result<void> apply_init_path(const Value& value, const std::string& pointer, Config& config) {
  return apply_path(value, pointer, config.init_path);
}

Result<void> apply_init_forward(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Word<Forward> kWords[] = {{"child", Forward::child}, {"group", Forward::group}};
  return apply_word<Forward>(value, pointer, kWords, config.tuning.forward);
}

// An array, each of whose elements `take` takes, or refuses as not what was expected.
template <typename Take>
Result<void> apply_list(const Value& value, const std::string& pointer, const std::string& whole,
                        const std::string& each, Take take) {
  if (value.kind != Kind::array) return expected(pointer, whole, value);
  std::size_t index = 0;
  for (const Value& element : value.children()) {
    if (!take(element)) return expected(pointer + "/" + std::to_string(index), each, element);
    ++index;
  }
  return {};
}

Result<void> apply_init_signals(const Value& value, const std::string& pointer, Config& config) {
  return apply_list(
      value, pointer, "an array of rewritings", std::string(kRewritingForm), [&config](const Value& element) {
        return element.kind == Kind::string && add_rewriting(element.text, config.tuning.signals);
      });
}

Result<void> apply_init_expect_exit(const Value& value, const std::string& pointer, Config& config) {
  return apply_list(
      value, pointer, "an array of exit codes", std::string(kExitForm), [&config](const Value& element) {
        return element.kind == Kind::number && add_exit(element.text, config.tuning.expected_exits);
      });
}

Result<void> apply_init_grace(const Value& value, const std::string& pointer, Config& config) {
  if (value.kind != Kind::number || !read_grace(value.text, config.tuning.grace_s)) {
    return expected(pointer, std::string(kGraceForm), value);
  }
  return {};
}

Result<void> apply_init_stop_signals(const Value& value, const std::string& pointer, Config& config) {
  if (value.kind == Kind::string && value.text == kEverySignal) {
    config.tuning.stop_signals.reset();
    return {};
  }
  std::vector<std::string>& signals = config.tuning.stop_signals.emplace();
  return apply_list(value, pointer, "an array of signals, or \"all\"", std::string(kStopForm),
                    [&signals](const Value& element) {
                      return element.kind == Kind::string && add_stop_signal(element.text, signals);
                    });
}

Result<void> apply_skip_commands(const Value& value, const std::string& pointer, Config& config) {
  return apply_list(value, pointer, "an array of commands", "a command's path or base name",
                    [&config](const Value& element) {
                      if (element.kind != Kind::string || element.text.empty()) return false;
                      config.skip_commands.emplace_back(element.text);
                      return true;
                    });
}

Result<void> apply_annotations(const Value& value, const std::string& pointer, Config& config) {
  config.annotations.clear();
  std::string each = "one of ";
  for (const std::string_view key : kAnnotationKeys) {
    if (key != kAnnotationKeys[0]) each += ", ";
    each += json::quote(key);
  }
  return apply_list(value, pointer, "an array of annotations' keys", each, [&config](const Value& element) {
    const auto* const known = std::find(std::begin(kAnnotationKeys), std::end(kAnnotationKeys), element.text);
    if (element.kind != Kind::string || known == std::end(kAnnotationKeys)) return false;
    config.annotations.push_back(*known);
    return true;
  });
}

Result<void> apply_init(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Member kMembers[] = {
      {"path", apply_init_path},          {"forward", apply_init_forward},
      {"signals", apply_init_signals},    {"expectExit", apply_init_expect_exit},
      {"graceSeconds", apply_init_grace}, {"stopSignals", apply_init_stop_signals}};
  return apply_members(value, pointer, kMembers, config);
}

Result<void> apply_log_level(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Word<LogLevel> kWords[] = {
      {"error", LogLevel::error}, {"warning", LogLevel::warning}, {"info", LogLevel::info}};
  return apply_word<LogLevel>(value, pointer, kWords, config.log.level);
}

Result<void> apply_log_sink(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Word<LogSink> kWords[] = {{"syslog", LogSink::syslog},
                                             {"file", LogSink::file},
                                             {"stderr", LogSink::standard_error},
                                             {"none", LogSink::none}};
  return apply_word<LogSink>(value, pointer, kWords, config.log.sink);
}

Result<void> apply_log_file(const Value& value, const std::string& pointer, Config& config) {
  return apply_path(value, pointer, config.log.file);
}

Result<void> apply_log_format(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Word<LogFormat> kWords[] = {{"text", LogFormat::text}, {"json", LogFormat::json}};
  return apply_word<LogFormat>(value, pointer, kWords, config.log.format);
}

Result<void> apply_log(const Value& value, const std::string& pointer, Config& config) {
  static constexpr Member kMembers[] = {{"level", apply_log_level},
                                        {"sink", apply_log_sink},
                                        {"file", apply_log_file},
                                        {"format", apply_log_format}};
  if (auto applied = apply_members(value, pointer, kMembers, config); !applied) return applied;
  const bool to_file = config.log.sink == LogSink::file;
  if (to_file && config.log.file.empty()) {
    return Error{pointer + "/file: missing; the sink \"file\" needs the absolute path of one"};
  }
  if (!to_file && !config.log.file.empty()) return Error{pointer + "/file: only the sink \"file\" has one"};
  return {};
}

constexpr Member kMembers[] = {
    {"runtime", apply_runtime},         {"inject", apply_inject}, {"onFailure", apply_on_failure},
    {"sharedPid", apply_shared_pid},    {"init", apply_init},     {"skipCommands", apply_skip_commands},
    {"annotations", apply_annotations}, {"log", apply_log},
};

}  // namespace

Result<Config> parse_config(std::string_view text) {
  auto document = json::Document::parse(text, json::Comments::allowed);
  if (!document) return document.error();
  Config config;
  if (auto applied = apply_members(document->root(), "", kMembers, config); !applied) return applied.error();
  return config;
}

std::string salvage_runtime(std::string_view text) {
  constexpr std::string_view kKey = "\"runtime\"";
  constexpr std::string_view kBlank = " \t\r\n";
  for (auto at = text.find(kKey); at != std::string_view::npos; at = text.find(kKey, at + 1)) {
    std::string_view rest = text.substr(at + kKey.size());
    for (const char expected_next : {':', '"'}) {
      const auto next = rest.find_first_not_of(kBlank);
      if (next == std::string_view::npos || rest[next] != expected_next) {
        rest = {};
        break;
      }
      rest.remove_prefix(next + 1);
    }
    // A path ends at the quote; escapes and control characters do not make one.
    const auto end = std::find_if(rest.begin(), rest.end(), [](char c) {
      return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ';
    });
    const std::string_view path = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    if (path.starts_with('/') && !path.ends_with('/') && path.size() < rest.size() &&
        rest[path.size()] == '"') {
      return std::string(path);
    }
  }
  return {};
}

}  // namespace runi
