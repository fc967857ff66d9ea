// How an error reaches the people who only see what the container engine shows them.
#pragma once

#include "core/command_line.h"
#include "core/result.h"

#include <ctime>
#include <string>
#include <string_view>

namespace runi {

// The longest text of an error that anybody is shown; a longer one ends in "...".
inline constexpr std::size_t kLongestError = 4'096;

// An error as it is shown, wherever that is: one line of printable ASCII, which no stranger's word in it can
// make long, or something that a terminal obeys.
[[nodiscard]] std::string for_people(const Error& error);

// The line that runc would write for an error: what containerd, CRI-O and podman read back from the file that
// they name with --log. `time` is in seconds since the epoch. Source: logrus' JSON and text formatters.
[[nodiscard]] std::string log_line(const Error& error, LogFormat format, std::time_t time);

// Adds the error to the file of --log, where there is one. A log that cannot be written changes nothing.
void report(const CommandLine& command, const Error& error);

}  // namespace runi
