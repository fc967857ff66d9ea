#include "core/log_line.h"

#include "core/annotations.h"
#include "core/engine_keys.h"
#include "core/json.h"

#include <algorithm>

namespace runi {
namespace {

using std::string_view;

constexpr string_view kEllipsis = "...";

// How many characters of a JSON string make one of its content, or half of one that takes two escapes.
std::size_t unit_at(string_view quoted, std::size_t at) {
  if (quoted[at] != '\\') return 1;
  if (quoted[at + 1] != 'u') return 2;
  const bool starts_pair = quoted[at + 2] == 'd' && quoted[at + 3] >= '8' && quoted[at + 3] <= 'b';
  return starts_pair ? 12 : 6;
}

// `value` as a JSON string of printable ASCII, quotes included, of at most kMaxValueBytes.
std::string quoted_and_shortened(string_view value) {
  // No byte of the value gets shorter, so what this cuts off would be cut off below.
  std::string quoted = json::quote_ascii(value.substr(0, kMaxValueBytes));
  if (quoted.size() <= kMaxValueBytes && value.size() <= kMaxValueBytes) return quoted;
  const std::size_t room = kMaxValueBytes - kEllipsis.size() - 1;
  std::size_t end = 1;
  while (end < quoted.size() - 1 && end + unit_at(quoted, end) <= room) end += unit_at(quoted, end);
  return quoted.substr(0, end) + std::string(kEllipsis) + '"';
}

// What needs no quotes in the text format. An equals sign would look like a field.
bool is_plain(string_view quoted) {
  constexpr string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:@+,%";
  const string_view content = quoted.substr(1, quoted.size() - 2);
  return !content.empty() && content.find_first_not_of(kPlain) == string_view::npos;
}

class Line {
 public:
  explicit Line(LogFormat format) : format_(format) {}

  void message(string_view text) {
    const std::string quoted = quoted_and_shortened(text);
    text_ += format_ == LogFormat::json ? "\"msg\":" + quoted : quoted.substr(1, quoted.size() - 2);
  }

  void add(string_view key, string_view value) {
    if (value.empty()) return;
    const std::string quoted = quoted_and_shortened(value);
    begin(key);
    const bool bare = format_ == LogFormat::text && is_plain(quoted);
    text_ += bare ? quoted.substr(1, quoted.size() - 2) : quoted;
  }

  void add(string_view key, std::uint64_t value) {
    begin(key);
    text_ += std::to_string(value);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin(string_view key) {
    if (format_ == LogFormat::json) {
      text_ += ",\"" + std::string(key) + "\":";
    } else {
      text_ += " " + std::string(key) + "=";
    }
  }

  LogFormat format_;
  std::string text_;
};

string_view first_of(const Spec& spec, string_view key, string_view otherwise) {
  if (const auto value = spec.annotation(key)) return *value;
  return spec.annotation(otherwise).value_or(string_view{});
}

}  // namespace

Origin origin_of(const Spec& spec) {
  return {first_of(spec, kContainerdPodNamespace, kKubeletPodNamespace),
          first_of(spec, kContainerdPodName, kKubeletPodName), container_name(spec)};
}

std::string log_line_of(const LogRecord& record, LogFormat format) {
  Line line(format);
  line.message(record.message);
  line.add("container_id", record.container_id);
  line.add("namespace", record.origin.pod_namespace);
  line.add("pod", record.origin.pod);
  line.add("container", record.origin.container);
  line.add("decision", record.decision);
  line.add("detail", record.detail);
  line.add("runtime", record.runtime);
  if (record.elapsed_us) line.add("elapsed_us", *record.elapsed_us);
  return line.take();
}

}  // namespace runi
