#include "report.h"

#include "json.h"
#include "system.h"

#include <array>

namespace runi {

std::string log_line(std::string_view message, LogFormat format, std::time_t time) {
  std::tm utc{};
  std::array<char, 32> stamp{};
  gmtime_r(&time, &utc);
  const std::size_t length = std::strftime(stamp.data(), stamp.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  const std::string when = json::quote({stamp.data(), length});
  const std::string what = json::quote("runi: " + std::string(message));
  if (format == LogFormat::json) return R"({"level":"error","msg":)" + what + R"(,"time":)" + when + "}";
  return "time=" + when + " level=error msg=" + what;
}

void report(const CommandLine& command, const Error& error) {
  std::string_view log = command.log;
  // crun(1): --log takes a path, or one of these schemes before it.
  if (log.starts_with("journald:") || log.starts_with("syslog:")) return;
  if (log.starts_with("file:")) log.remove_prefix(5);
  if (log.empty()) return;
  const std::string line = log_line(error.what, command.log_format, std::time(nullptr));
  (void)append_line(std::string(log), line);  // the error itself still goes to stderr
}

}  // namespace runi
