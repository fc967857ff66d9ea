// The log that an engine names with --log: how an error reaches people who see only what the engine shows.
#pragma once

#include "core/command_line.h"
#include "core/result.h"

#include <ctime>
#include <string>
#include <string_view>

namespace runi {

// The longest text of an error that is shown; a longer one ends in "...".
inline constexpr std::size_t kLongestError = 4'096;

// An error as it is shown everywhere: one line of printable ASCII. What a stranger has put into it can
// neither make it long nor steer a terminal.
[[nodiscard]] std::string for_people(const Error& error);

// The line that runc would write for an error: containerd, CRI-O and podman read it back from the file that
// they name with --log. `time` is in seconds since the epoch. Source: logrus' JSON and text formatters.
[[nodiscard]] std::string engine_log_line(const Error& error, LogFormat format, std::time_t time);

// Adds the error to the file of --log, if there is one. A log that cannot be written changes nothing.
void append_to_engine_log(const CommandLine& command, const Error& error);

}  // namespace runi
