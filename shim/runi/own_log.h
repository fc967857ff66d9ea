// runi's own log. Hides the logging library and everything that can go wrong with a log.
#pragma once

#include "core/config.h"

#include <string>

namespace runi {

// Whether a line of this level goes anywhere. Cheap: ask before making the line. The sink for standard error
// takes no errors, which are there already.
[[nodiscard]] bool is_logged(const LogConfig& config, LogLevel level);

// Writes what core/log_line.h made, in the format of `config`, with time, level and process id, where
// is_logged(). Never waits and never fails: what the file does not take goes to syslog with a warning that
// says why, and what syslog does not take either is lost. Nothing stays open.
void write_own_log(const LogConfig& config, LogLevel level, const std::string& line);

}  // namespace runi
