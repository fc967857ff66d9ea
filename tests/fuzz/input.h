// What the fuzz targets share: how to fail, and how the bytes of an input decide what is made of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace runi {

inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Takes what stands in front of the first `separator`, or all, and the separator off `rest`.
inline std::string_view take_until(char separator, std::string_view& rest) {
  const auto end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// One byte decides one thing. When they are used up, everything is the first of its kind, and no.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  std::size_t below(std::size_t count) {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte % count;
  }

  bool yes() { return below(2) == 1; }

  template <typename Range>
  auto one_of(const Range& range) {
    return std::data(range)[below(std::size(range))];
  }

 private:
  std::string_view rest_;
};

}  // namespace runi
