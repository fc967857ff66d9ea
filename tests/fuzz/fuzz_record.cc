// A line of the log: whatever the names in it, it is one line of printable ASCII that fits into a pipe at
// once, and as JSON it parses, with each name under its own key.
#include "core/json.h"
#include "core/log_line.h"
#include "input.h"

using runi::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = runi::as_text(data, size);
  runi::LogRecord start;
  start.message = "starts without an init";
  start.decision = "no-place";
  start.container_id = runi::take_until('\n', rest);
  start.origin.pod = runi::take_until('\n', rest);
  start.detail = rest;  // with its newlines
  for (const auto format : {runi::LogFormat::text, runi::LogFormat::json}) {
    const std::string line = runi::log_line_of(start, format);
    require(line.size() < 3900, "a short line");
    for (const char c : line) require(c >= ' ' && c <= '~', "printable ASCII");
    if (format == runi::LogFormat::text) continue;
    const std::string object = "{" + line + "}";
    const auto parsed = runi::json::Document::parse(object, runi::json::Comments::refused);
    require(parsed.has_value(), "JSON");
    std::size_t values = 0;
    for (const auto& value : parsed->root().children()) {
      ++values;
      require(value.key != "decision" || value.text == "no-place", "the decision under its key");
    }
    require(values == 2U + !start.container_id.empty() + !start.origin.pod.empty() + !start.detail.empty(),
            "each name under a key");
  }
  return 0;
}
