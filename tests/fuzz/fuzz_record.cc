// A line of the log: whatever the names in it, it is one line of printable ASCII that fits into a pipe at
// once, and as JSON it parses, with each name under its own key.
#include "json.h"
#include "record.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

std::string_view take(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  runi::StartRecord start;
  start.message = "starts without an init";
  start.decision = "no-place";
  start.container_id = take(rest);
  start.origin.pod = take(rest);
  start.detail = rest;  // with its newlines
  for (const auto format : {runi::LogFormat::text, runi::LogFormat::json}) {
    const std::string line = runi::record_of(start, format);
    check(line.size() < 3900);
    for (const char c : line) check(c >= ' ' && c <= '~');
    if (format == runi::LogFormat::text) continue;
    const std::string object = "{" + line + "}";
    const auto parsed = runi::json::Document::parse(object, runi::json::Comments::refused);
    check(parsed.has_value());
    std::size_t values = 0;
    for (const auto& value : parsed->root().children()) {
      ++values;
      check(value.key != "decision" || value.text == "no-place");
    }
    check(values == 3U + !start.container_id.empty() + !start.origin.pod.empty() + !start.detail.empty());
  }
  return 0;
}
