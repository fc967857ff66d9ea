// Paths as text: no look at the file system, no resolving of "..".
#pragma once

#include <string>
#include <string_view>

namespace runi {

// What follows the last slash; all of it where there is none.
[[nodiscard]] constexpr std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// The part before the last slash: "/" for "/x", and "." where there is no slash.
[[nodiscard]] constexpr std::string_view directory_of(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return path.substr(0, slash == 0 ? 1 : slash);
}

// `name` in `directory`, with one slash between them.
[[nodiscard]] inline std::string joined(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.ends_with('/')) path += '/';
  return path += name;
}

}  // namespace runi
