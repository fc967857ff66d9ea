// What /proc says, as text.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

inline std::string contents(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return strerrorname_np(errno);
  std::string out;
  char buffer[4096];
  ssize_t length = 0;
  while ((length = read(fd, buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<std::size_t>(length));
  if (length < 0) out += strerrorname_np(errno);
  close(fd);
  return out;
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const std::string all = contents(path);
  for (std::size_t start = 0; start < all.size();) {
    const std::size_t end = std::min(all.find('\n', start), all.size());
    lines.push_back(all.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// The value of a line "Name:\tvalue" in /proc/<pid>/status.
inline std::string status_field(const std::string& pid, const std::string& name) {
  for (const std::string& line : lines_of("/proc/" + pid + "/status")) {
    if (line.compare(0, name.size() + 1, name + ":") == 0) {
      const std::size_t value = line.find_first_not_of(" \t", name.size() + 1);
      return value == std::string::npos ? "" : line.substr(value);
    }
  }
  return "";
}

inline std::vector<std::string> entries_of(const char* folder) {
  std::vector<std::string> names;
  DIR* const stream = opendir(folder);
  if (stream == nullptr) return names;
  while (const dirent* entry = readdir(stream)) names.emplace_back(entry->d_name);
  closedir(stream);
  return names;
}
