// An open file descriptor, and what is read from it and written to it.
#pragma once

#include "core/result.h"

#include <fcntl.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace runi {

// For every open(2): the runtime and the container must not get the descriptor, and no file that is opened
// may become the terminal of this process.
inline constexpr int kOpenFlags = O_CLOEXEC | O_NOCTTY;

// Closes the descriptor at the end of its life.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// The path in /proc by which this process can name the file, also where `fd` is of O_PATH.
[[nodiscard]] std::string proc_path(int fd);

// The first `size` bytes of a file; fewer where it has fewer.
Result<std::string> read_first(int fd, std::size_t size);

// One write(2), of which no signal comes: neither SIGPIPE, SIGXFSZ nor SIGTTOU. Returns how many bytes were
// written.
Result<std::size_t> write_once(int fd, std::string_view bytes);

// The same, until all bytes are written.
Result<void> write_all(int fd, std::string_view bytes);

}  // namespace runi
