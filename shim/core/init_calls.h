// The system calls of runi-init: which it makes, when, and how it depends on them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace runi::seccomp {

// How the init depends on a call.
enum class Need {
  indispensable,  // without it, it executes the application in place, or does the application harm
  wanted,         // any error will do, but it believes in a success
  ignored,        // any error or success will do
  process,        // one of the ways of making a process, which are tried in the table's order
};

// When the init makes a call.
enum class When {
  always,
  subreaper,     // -s, or -t
  grace,         // -t
  sandbox,       // not -n
  facts,         // -S, or a user is borrowed
  borrowing,     // the process has CAP_SETUID and no CAP_KILL
  listen_pidfd,  // the application's environment has LISTEN_PIDFDID
};

// An argument, as the kernel sees it: all 64 bits. Pointers, process ids and registers that a call does not
// use can hold anything.
struct Argument {
  bool known = false;
  std::uint64_t value = 0;
};

struct Call {
  const char* name;
  int number;
  Need need;
  When when;
  std::array<Argument, 6> arguments;
};

// The system calls of runi-init, in the order in which it makes them.
[[nodiscard]] std::span<const Call> init_calls();

// A bit of its own for each system call that the init makes, so that a set of them is one number; 0 for the
// numbers of all others, and for negative ones.
[[nodiscard]] std::uint64_t bit_of(int number);

}  // namespace runi::seccomp
