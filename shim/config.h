// The administrator's configuration: what a file under /etc/runi may say, and what holds where it says
// nothing.
#pragma once

#include "command_line.h"
#include "result.h"

#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class Inject { always, annotated, never };
enum class OnFailure { skip, fail };
enum class SharedPid { skip, subreaper };
enum class Forward { child, group };
enum class LogLevel { error, warning, info };  // each includes those before it
enum class LogSink { syslog, file, standard_error, none };

// runi's own log. What --log names is another file, and the engine's.
struct LogConfig {
  LogLevel level = LogLevel::warning;
  LogSink sink = LogSink::syslog;
  std::string file;  // absolute; empty unless that is the sink
  LogFormat format = LogFormat::text;
};

// Every member's default is what runi does without a file. runi.json(5) explains each key.
struct Config {
  std::string runtime;  // absolute; empty: the first of runc, crun in the system's directories
  Inject inject = Inject::always;
  OnFailure on_failure = OnFailure::skip;
  SharedPid shared_pid = SharedPid::skip;
  std::vector<std::string> skip_commands;  // args[0] in full where it has a slash, else its base name
  std::string init_path;                   // absolute; empty: beside runi
  Forward init_forward = Forward::child;
  LogConfig log;
};

// Reads a configuration: JSON with comments.
// Errors: the place and cause of what is not JSON; else the JSON pointer (RFC 6901) of the first member that
// is unknown, stands twice, or has the wrong type or value, and what was expected there.
Result<Config> parse_config(std::string_view text);

// The `runtime` that a configuration names that parse_config refuses: as good a guess as the text allows, so
// that containers which already run can still be stopped and deleted. Empty where there is none.
[[nodiscard]] std::string salvage_runtime(std::string_view text);

}  // namespace runi
