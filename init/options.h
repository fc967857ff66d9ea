// The command line of runi-init, read without a system call.
#pragma once

#include <cstdint>

namespace runi {

enum class Request : unsigned char { run, pause, help, version, licence, refuse };

// A set of signals; bit 0 is signal 1.
using Signals = std::uint64_t;

// To what each signal is rewritten; unless set, to itself.
class SignalMap {
 public:
  static constexpr int kSignals = 64;
  static constexpr int kDropped = 0;

  void set(int from, int to) { changes_[from] = static_cast<unsigned char>(from ^ to); }
  [[nodiscard]] int operator[](int signal) const { return signal ^ changes_[signal]; }

 private:
  unsigned char changes_[kSignals + 1] = {};
};

// A set of exit codes, 0 to 255.
class ExitCodes {
 public:
  void add(int code) { bits_[code / 64] |= std::uint64_t{1} << code % 64; }
  [[nodiscard]] bool contain(int code) const { return (bits_[code / 64] >> code % 64 & 1) != 0; }

 private:
  std::uint64_t bits_[4] = {};
};

inline constexpr int kNoGrace = -1;  // -t was not given

// What the command line asks for. Strings point into the arguments.
struct Options {
  Request request = Request::run;
  bool forward_to_group = false;         // -g
  bool subreaper = false;                // -s
  bool sandbox = true;                   // not -n
  bool warn_of_orphans = false;          // -w
  unsigned char verbosity = 0;           // -v: how often, 2 at most
  unsigned char on_parents_death = 0;    // -p: the signal, 0 for none
  bool shield = false;                   // -S
  Signals stops = 0;                     // -S: the signals that pass it
  int grace_s = kNoGrace;                // -t
  SignalMap forwarded_as;                // -r
  ExitCodes expected;                    // -e
  const char* const* command = nullptr;  // run: the application's arguments, null-terminated, at least one
  const char* complaint = nullptr;       // refuse: what is wrong
  const char* wrong = nullptr;           // refuse: the wrong argument as it was given; may be null
};

// Reads args, all of main's argv. Options stand before the command (POSIX, Utility Syntax Guideline 9): the
// first argument that is not one begins the command, so `ls -l` needs no `--`. Short options may be clustered
// (-gs), and the last of a cluster may be followed directly by its value (-e143). args may be empty.
[[nodiscard]] Options parse_options(const char* const* args);

}  // namespace runi
