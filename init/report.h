// The one line that runi-init prints when something is wrong.
#pragma once

#include "kernel.h"
#include "text.h"

namespace runi {

// Writes "runi-init: ", the parts and a newline to stderr, in one call so that no other line gets in between.
// An error is ignored.
[[gnu::noinline, gnu::cold]] inline void report(const char* first, const char* second = "",
                                                const char* third = "", const char* fourth = "") {
  const char* const parts[] = {"runi-init: ", first, second, third, fourth, "\n"};
  constexpr int kParts = sizeof parts / sizeof *parts;
  iovec line[kParts];
  for (int i = 0; i < kParts; ++i) line[i] = {const_cast<char*>(parts[i]), length_of(parts[i])};
  kernel::writev(2, line, kParts);
}

}  // namespace runi
