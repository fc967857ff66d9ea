// The configuration. The input as a file: whatever the bytes, there is a configuration within its limits that
// says what another reader finds in the file, or an error that names a place in it; and a runtime or none.
// And its bytes as choices of what to write into one, and where to be wrong: the error names that place.
#include "core/config.h"
#include "init/options.h"
#include "input.h"

#include <nlohmann/json.hpp>

#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
using runi::Choices;
using runi::Config;
using runi::require;

template <typename Enum>
json word_of(Enum value, std::initializer_list<const char*> words) {
  return words.begin()[static_cast<std::size_t>(value)];
}

// As it would stand in a file. What no file can say is left out.
json written(const Config& config) {
  json file = {{"inject", word_of(config.inject, {"always", "annotated", "never"})},
               {"onFailure", word_of(config.on_failure, {"skip", "fail"})},
               {"sharedPid", word_of(config.shared_pid, {"skip", "subreaper"})},
               {"skipCommands", config.skip_commands},
               {"annotations", config.annotations},
               {"init",
                {{"forward", word_of(config.tuning.forward, {"child", "group"})},
                 {"signals", config.tuning.signals},
                 {"expectExit", config.tuning.expected_exits}}},
               {"log",
                {{"level", word_of(config.log.level, {"error", "warning", "info"})},
                 {"sink", word_of(config.log.sink, {"syslog", "file", "stderr", "none"})},
                 {"format", word_of(config.log.format, {"text", "json"})}}}};
  if (config.tuning.grace_s) file["init"]["graceSeconds"] = *config.tuning.grace_s;
  if (config.tuning.stop_signals) {
    file["init"]["stopSignals"] = *config.tuning.stop_signals;
  } else {
    file["init"]["stopSignals"] = "all";
  }
  if (!config.runtime.empty()) file["runtime"] = config.runtime;
  if (!config.init_path.empty()) file["init"]["path"] = config.init_path;
  if (!config.log.file.empty()) file["log"]["file"] = config.log.file;
  return file;
}

void check_path(const std::string& path) {
  if (path.empty()) return;
  require(path.front() == '/' && path.back() != '/', "an absolute path of a file");
  require(path.find('\0') == std::string::npos, "a path without a NUL");
}

void check_limits(const Config& config) {
  for (const std::string* path : {&config.runtime, &config.init_path, &config.log.file}) check_path(*path);
  require((config.log.sink == runi::LogSink::file) == !config.log.file.empty(), "a file for the sink file");
  for (const std::string& command : config.skip_commands) require(!command.empty(), "a command");
  const auto& tuning = config.tuning;
  require(!tuning.grace_s || (*tuning.grace_s >= 0 && *tuning.grace_s <= 86'400), "a grace of a day at most");
  std::set<int> codes;
  for (const int code : tuning.expected_exits) {
    require(code >= 0 && code <= 255, "an exit code");
    require(codes.insert(code).second, "no exit code twice");
  }
  // The init says what becomes of each signal. Read one by one, each rewriting is of another one.
  std::vector<const char*> all = {"runi-init"};
  std::set<int> rewritten;
  for (const std::string& rewriting : tuning.signals) {
    require(rewriting.find('\0') == std::string::npos, "a rewriting without a NUL");
    all.insert(all.end(), {"-r", rewriting.c_str()});
    const char* const words[] = {"runi-init", "-r", rewriting.c_str(), "app", nullptr};
    const runi::Options options = runi::parse_options(words);
    require(options.request == runi::Request::run, "a rewriting that the init takes");
    for (int signal = 1; signal <= runi::SignalMap::kSignals; ++signal) {
      if (options.forwarded_as[signal] == signal) continue;
      require(signal != 9 && signal != 19, "only signals that can be handled");
      require(rewritten.insert(signal).second, "no signal twice");
    }
  }
}

// "/init/path: what is wrong": the place, a pointer as JSON would have it in a string, is one of the
// document's, but for the one that is missing.
bool names_a_place(const json& document, const std::string& error) {
  if (error.starts_with("expected an object, found ")) return !document.is_object();
  if (error.starts_with("/log/file: missing")) return document["log"]["sink"] == "file";
  for (auto colon = error.find(": "); colon != std::string::npos; colon = error.find(": ", colon + 1)) {
    std::string place = error.substr(0, colon);
    if (place.ends_with("...")) place.erase(place.rfind('/'));  // too long a key
    const json pointer = json::parse('"' + place + '"', nullptr, false);
    if (!pointer.is_string()) continue;
    try {
      if (document.contains(json::json_pointer(pointer.get<std::string>()))) return true;
    } catch (const json::exception&) {
      // A colon within a key: the pointer is longer.
    }
  }
  return false;
}

void check_error(std::string_view text, const std::string& error) {
  require(!error.empty(), "an error that says something");
  for (const char c : error) {
    require(c >= ' ' && c <= '~', "an error of one line of printable ASCII: " + error);
  }
  require(error.size() < 1'500, "a short error: " + error);
  if (error.starts_with("not JSON: ")) {
    require(error.find(" at line ") != std::string::npos || error.find(" at byte ") != std::string::npos ||
                error.ends_with("it starts with a byte order mark"),
            "an error with a position: " + error);
    return;
  }
  const json document = json::parse(text, nullptr, false, true);
  require(!document.is_discarded(), "JSON is refused for what is in it");
  require(names_a_place(document, error), "an error that names a place: " + error);
}

void check_config(std::string_view text, const Config& config) {
  check_limits(config);
  json expected = written({});
  expected.update(json::parse(text, nullptr, false, true), true);
  const json file = written(config);
  require(file == expected, "what is read is what the file says: " + file.dump());

  const std::string again = file.dump();
  const auto second = runi::parse_config(again);
  require(second && written(*second) == file, "the same, read again");
  // Whatever else is wrong with a file, its runtime is found.
  const std::string quoted = json(config.runtime).dump();
  if (quoted != '"' + config.runtime + '"') return;
  require(runi::salvage_runtime(again) == config.runtime, "the runtime is salvaged");
  require(runi::salvage_runtime(again + ",,") == config.runtime,
          "the runtime is salvaged from what is no JSON");
}

// Of each member some values that it may have, and some wrong ones, with the place of the mistake in them.
// runi.json(5) says so.
const json& members() {
  static const json table = json::parse(R"({
    "/runtime": [["/usr/bin/crun", "/r"],
                 {"": ["crun", "/x/", "", "/", "/a\u0000b", 7, null, ["/r"]]}],
    "/inject": [["always", "annotated", "never"], {"": ["Always", "", true]}],
    "/onFailure": [["skip", "fail"], {"": ["never", null]}],
    "/sharedPid": [["skip", "subreaper"], {"": ["fail", 0]}],
    "/skipCommands": [[[], ["a"], ["b", "/c/d"]], {"": ["a", {}], "/0": [[""], [7]], "/1": [["a", null]]}],
    "/annotations": [[[], ["init"], ["grace", "expect-exit", "signals", "forward"]],
                     {"": ["init", null], "/0": [["injected"], [""]], "/1": [["init", "runi.dev/grace"]]}],
    "/init/path": [["/x", "/usr/libexec/i"], {"": ["x", "/x/", {}]}],
    "/init/forward": [["child", "group"], {"": ["all", 1]}],
    "/init/signals": [[[], ["TERM:QUIT"], ["HUP:0", "SIGRTMIN+30:64", "18:TERM"]],
                      {"": ["TERM:QUIT", 15], "/1": [["HUP:0", "SIGHUP:1"], ["TERM:0", "15:0"], ["TERM:0", 1]],
                       "/0": [["KILL:1"], ["STOP:0"], ["65:1"], ["0:1"], ["1:65"], ["TERM"], ["TERM:QUIT,HUP:0"],
                              ["RTMIN+31:1"], [""], ["TERM:QUIT\u0000"], ["term:quit"]]}],
    "/init/expectExit": [[[], [0, 255], [143]],
                         {"": [143, "143"], "/0": [[256], [-1], [1.5], ["1"]], "/1": [[1, 1], [0, null]]}],
    "/init/graceSeconds": [[0, 10, 86400], {"": [86401, -1, 1.5, "10", 4294967306, null]}],
    "/log/level": [["error", "warning", "info"], {"": ["debug", 1]}],
    "/log/format": [["text", "json"], {"": ["xml", null]}],
    "/log/sink": [["syslog", "stderr", "none"], {"": ["stdout", "", 2]}],
    "/nonesuch": [[], {"": [1]}], "/init/a~1b": [[], {"": [null]}], "/log/Level": [[], {"": ["info"]}]
  })");
  return table;
}

// One of the elements of an array, or of the members of an object.
json::const_iterator one_of(const json& values, Choices& choices) {
  return std::next(values.begin(), static_cast<std::ptrdiff_t>(choices.below(values.size())));
}

void check_chosen(std::string_view bytes) {
  Choices choices(bytes);
  // The mistake first, so that a short input can be any.
  std::string wrong;
  json::json_pointer pointer_to_mistake;
  json mistake;
  if (choices.yes()) {
    const auto member = one_of(members(), choices);
    const auto place = one_of(member.value()[1], choices);
    pointer_to_mistake = json::json_pointer(member.key());
    mistake = *one_of(place.value(), choices);
    wrong = member.key() + place.key();
  }
  json file = json::object();
  for (const auto& [pointer, values] : members().items()) {
    if (values[0].empty() || !choices.yes()) continue;
    file[json::json_pointer(pointer)] = *one_of(values[0], choices);
  }
  if (choices.below(4) == 1) {
    file["log"]["sink"] = "file";
    file["log"]["file"] = "/l";
  }
  if (!wrong.empty()) file[pointer_to_mistake] = mistake;
  const std::string text = "// by choice\n" + file.dump(choices.yes() ? 2 : -1) + "/**/";
  const auto config = runi::parse_config(text);
  require(config.has_value() == wrong.empty(),
          (wrong.empty() ? "right: " : "wrong at " + wrong + ": ") + text);
  if (config) return check_config(text, *config);
  const std::string& error = config.error().what;
  check_error(text, error);
  require(error.starts_with(wrong + ": "), "a mistake at " + wrong + ": " + error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = runi::as_text(data, size);
  const auto config = runi::parse_config(text);
  if (config) {
    check_config(text, *config);
  } else {
    check_error(text, config.error().what);
  }
  check_path(runi::salvage_runtime(text));
  check_chosen(text);
  return 0;
}
