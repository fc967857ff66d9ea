#include "runi/own_log.h"

#include "core/log_line.h"
#include "system/process.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <syslog.h>

#include <memory>

namespace runi {
namespace {

// A log tells of pods; the administrator can give others the right to read it.
constexpr mode_t kFileMode = 0640;

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::info: return spdlog::level::info;
  }
  return spdlog::level::info;
}

int priority_of(spdlog::level::level_enum level) {
  if (level == spdlog::level::err) return LOG_DAEMON | LOG_ERR;
  if (level == spdlog::level::warn) return LOG_DAEMON | LOG_WARNING;
  return LOG_DAEMON | LOG_INFO;
}

std::string pattern_of(const LogConfig& config) {
  const bool to_syslog = config.sink == LogSink::syslog;
  const std::string tag = to_syslog ? "runi[%P]: " : "";
  if (config.format == LogFormat::json) {
    return tag + R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","pid":%P,%v})";
  }
  return to_syslog ? tag + "%v" : "%Y-%m-%dT%H:%M:%S.%fZ runi[%P] %l: %v";
}

// The library's own sinks wait: for the reader of a FIFO, for syslog's, for a directory to appear.
class Sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit Sink(const LogConfig& config) : config_(config) {}

  [[nodiscard]] const Result<void>& result() const { return result_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t buffer;
    formatter_->format(message, buffer);
    const std::string line(buffer.data(), buffer.size());
    switch (config_.sink) {
      case LogSink::syslog: result_ = send_to_syslog(priority_of(message.level), line); return;
      case LogSink::file: result_ = append_line(config_.file, line, kFileMode); return;
      case LogSink::standard_error: try_stderr(line); return;
      case LogSink::none: return;
    }
  }
  void flush_() override {}

  const LogConfig& config_;
  Result<void> result_;
};

Result<void> deliver(const LogConfig& config, LogLevel level, const std::string& line) {
  const auto sink = std::make_shared<Sink>(config);
  spdlog::logger logger("runi", sink);
  logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
      pattern_of(config), spdlog::pattern_time_type::utc, /*eol=*/""));
  logger.set_error_handler([](const std::string&) {});  // the library's would write to standard error
  logger.log(level_of(level), spdlog::string_view_t(line));
  return sink->result();
}

}  // namespace

bool is_logged(const LogConfig& config, LogLevel level) {
  if (config.sink == LogSink::none || level > config.level) return false;
  return config.sink != LogSink::standard_error || level != LogLevel::error;
}

void write_own_log(const LogConfig& config, LogLevel level, const std::string& line) {
  if (!is_logged(config, level)) return;
  const auto delivered = deliver(config, level, line);
  if (delivered || config.sink != LogSink::file) return;
  LogConfig fallback = config;
  fallback.sink = LogSink::syslog;
  const Error why = with_context("log " + config.file, delivered.error());
  LogRecord lost;
  lost.message = "cannot log to the file";
  lost.detail = why.what;
  (void)deliver(fallback, LogLevel::warning, log_line_of(lost, config.format));  // there is no third place
  if (level != LogLevel::info) (void)deliver(fallback, level, line);
}

}  // namespace runi
