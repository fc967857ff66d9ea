// runi's own log, and what can go wrong with it. Hides the logging library.
#pragma once

#include "core/config.h"

#include <string>

namespace runi {

// Whether a record of this level goes anywhere. Cheap: ask before making the record. The sink for standard
// error takes no errors, which are there already.
[[nodiscard]] bool is_logged(const LogConfig& config, LogLevel level);

// Writes a record (record.h) in the format of `config`, where it is_logged, with time, level and process id.
// Never waits and never fails: what the file does not take goes to syslog with a warning that says why, and
// what that does not take either is lost. Nothing stays open.
void write_log(const LogConfig& config, LogLevel level, const std::string& record);

}  // namespace runi
