// Lines that leave this process, for a file, for syslog or for stderr; and the clock.
#pragma once

#include "core/result.h"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace runi {

// Adds one line to the file at `path`, by one write at its end, so that lines of many processes do not mix
// (on a local file system; open(2), O_APPEND). Makes the file, with `mode`, where it is missing. Never waits
// for a FIFO's reader, and raises no signal. Errors: any step; a regular file then has no part of the line.
Result<void> append_line(const std::string& path, const std::string& line, mode_t mode);

// Writes to stderr; errors have nowhere to go.
void print_error(const std::string& line);

// Sends "program[pid]: text" to what listens on /dev/log, without a time, which the receiver adds (RFC
// 3164, 4.3.2). `priority` is facility and level as in syslog(3), whose own function may wait for ever.
// Errors: nothing listens, or it has no room for the message at this moment.
Result<void> send_to_syslog(int priority, const std::string& text);

// Writes a line to stderr if that can be done without waiting.
void try_stderr(const std::string& line);

// Microseconds since a moment that stays the same while the machine runs.
[[nodiscard]] std::uint64_t monotonic_us();

}  // namespace runi
