// Signals as command lines write them: pure, and without a C library. runi reads the signals of annotations
// and of its configuration with this, so that the init accepts what runi accepts.
#pragma once

#include "text.h"

namespace runi {

inline constexpr int kLastSignal = 64;

// SIGRTMIN as programs know it: the C library keeps 32 and 33 to itself (signal(7)).
inline constexpr int kFirstRealTime = 34;

// The two that no process can handle, so they cannot be rewritten (signal(7)).
inline constexpr int kKillSignal = 9;
inline constexpr int kStopSignal = 19;

// 1 to 31, as the kernel numbers them on x86-64 and arm64.
inline constexpr const char* kSignalNames =
    "HUP\0INT\0QUIT\0ILL\0TRAP\0ABRT\0BUS\0FPE\0KILL\0USR1\0SEGV\0USR2\0PIPE\0ALRM\0TERM\0STKFLT\0"
    "CHLD\0CONT\0STOP\0TSTP\0TTIN\0TTOU\0URG\0XCPU\0XFSZ\0VTALRM\0PROF\0WINCH\0IO\0PWR\0SYS\0";

// Reads a signal's number (0 is one here), or its name with or without SIG, and moves text past it. Returns
// -1 if text does not begin with one.
constexpr int read_signal(const char*& text) {
  if (*text >= '0' && *text <= '9') return read_number(text, kLastSignal);
  if (const char* name = after(text, "SIG")) text = name;
  if (const char* plus = after(text, "RTMIN")) {
    text = plus;
    if (*text != '+') return kFirstRealTime;
    ++text;
    const int more = read_number(text, kLastSignal - kFirstRealTime);
    return more < 0 ? more : kFirstRealTime + more;
  }
  int number = 1;
  for (const char* name = kSignalNames; *name != '\0'; name += length_of(name) + 1, ++number) {
    if (const char* end = after(text, name)) {
      text = end;
      return number;
    }
  }
  return -1;
}

// Reads the rest of FROM:TO, from the colon to the end of text. Returns the signal that `from` is rewritten
// to, 0 if it is dropped. Returns -1 if text is anything else, or if `from` cannot be rewritten.
constexpr int read_rewriting(int from, const char* text) {
  if (from == kKillSignal || from == kStopSignal || *text++ != ':') return -1;
  const int to = read_signal(text);
  return *text != '\0' ? -1 : to;
}

// Reads a comma-separated list of signals, to the end of text, and adds them to `set`, whose bit 0 is
// signal 1. An empty text is an empty list. Returns whether text is such a list.
constexpr bool read_signals(const char* text, std::uint64_t& set) {
  if (*text == '\0') return true;
  for (;; ++text) {
    const int signal = read_signal(text);
    if (signal <= 0) return false;
    set |= std::uint64_t{1} << (signal - 1);
    if (*text != ',') return *text == '\0';
  }
}

}  // namespace runi
