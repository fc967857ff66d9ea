// The lines of a listing, for tests.
#pragma once

#include <string>
#include <vector>

namespace runi {

// Each without its line feed.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  lines.pop_back();
  return lines;
}

}  // namespace runi
