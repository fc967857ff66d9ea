// What a failed system call left in errno.
#pragma once

#include "core/result.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace runi {

// "<operation>: <cause>", of the system call that failed last in this thread.
[[nodiscard]] inline Error last_error(const std::string& operation) {
  return Error{operation + ": " + std::strerror(errno)};
}

// Whether an error of open(2) says that the path names no file, or that no file can have its name.
[[nodiscard]] inline bool is_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
}

}  // namespace runi
