// The one line runi-init prints when something is wrong.
#pragma once

#include "kernel.h"
#include "text.h"

#include <initializer_list>

namespace runi {

// Writes "runi-init: ", at most six parts and a newline to stderr, in one go so that lines of others do not
// get in between. Whether it arrives does not matter.
inline void report(std::initializer_list<const char*> parts) {
  iovec line[8];
  int count = 0;
  const auto add = [&](const char* text) {
    line[count].iov_base = const_cast<char*>(text);
    line[count++].iov_len = length_of(text);
  };
  add("runi-init: ");
  for (const char* part : parts) add(part);
  add("\n");
  kernel::writev(2, line, count);
}

}  // namespace runi
