#include "runi/engine_log.h"

#include "core/json.h"
#include "system/process.h"

#include <array>

namespace runi {

std::string for_people(const Error& error) {
  return "runi: " + json::printable(error.what, kLongestError);
}

std::string engine_log_line(const Error& error, LogFormat format, std::time_t time) {
  std::tm utc{};
  std::array<char, 32> stamp{};
  gmtime_r(&time, &utc);
  const std::size_t length = std::strftime(stamp.data(), stamp.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  const std::string when = json::quote({stamp.data(), length});
  const std::string what = json::quote(for_people(error));
  if (format == LogFormat::json) return R"({"level":"error","msg":)" + what + R"(,"time":)" + when + "}";
  return "time=" + when + " level=error msg=" + what;
}

void append_to_engine_log(const CommandLine& command, const Error& error) {
  if (command.log.empty()) return;
  std::string path(command.log);
  if (command.log_in_bundle && !path.starts_with('/')) path = std::string(command.bundle) + "/" + path;
  const std::string line = engine_log_line(error, command.log_format, std::time(nullptr));
  (void)append_line(path, line, 0644);  // the error itself still goes to stderr
}

}  // namespace runi
