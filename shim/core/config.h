// The administrator's configuration: what a file under /etc/runi may say, and the defaults.
#pragma once

#include "core/command_line.h"
#include "core/result.h"
#include "core/tuning.h"

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class Inject { always, annotated, never };
enum class OnFailure { skip, fail };
enum class SharedPid { skip, subreaper };
enum class LogLevel { error, warning, info };  // each includes those before it
enum class LogSink { syslog, file, standard_error, none };

// runi's own log. What --log names is another file, and the engine's.
struct LogConfig {
  LogLevel level = LogLevel::warning;
  LogSink sink = LogSink::syslog;
  std::string file;  // absolute; empty unless that is the sink
  LogFormat format = LogFormat::text;
};

// The keys that the configuration may let pods set, as annotations runi.dev/<key>.
inline constexpr std::string_view kAnnotationKeys[] = {"init",        "forward", "signals",
                                                       "expect-exit", "grace",   "stop-signals"};

// Set by runi on every container that got the init; its value is runi's version.
inline constexpr std::string_view kInjectedAnnotation = "runi.dev/injected";

// Every member's default is what runi does without a file. runi.json(5) explains each key.
struct Config {
  std::string runtime;  // absolute; empty: the first of runc, crun in the system's directories
  Inject inject = Inject::always;
  OnFailure on_failure = OnFailure::skip;
  SharedPid shared_pid = SharedPid::skip;
  std::vector<std::string> skip_commands;  // args[0] in full where it has a slash, else its base name
  std::string init_path;                   // absolute; empty: beside runi
  Tuning tuning;                           // of the init, where annotations do not say otherwise
  // Those of kAnnotationKeys that pods may set.
  std::vector<std::string_view> annotations{std::begin(kAnnotationKeys), std::end(kAnnotationKeys)};
  LogConfig log;
};

// Reads a configuration: JSON with comments.
// Errors: the place and cause of what is not JSON; else the JSON pointer (RFC 6901) of the first member that
// is unknown, appears twice, or has the wrong type or value, and what was expected there.
Result<Config> parse_config(std::string_view text);

// The `runtime` that a configuration names although parse_config refuses it: a guess, as good as the text
// allows, so that containers which already run can still be stopped and deleted. Empty where it names none.
[[nodiscard]] std::string salvage_runtime(std::string_view text);

}  // namespace runi
