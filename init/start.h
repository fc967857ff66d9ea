// How the application is started so that it finds what it would have found without an init.
#pragma once

#include "kernel.h"

namespace runi {

// The application, and what the init changed of its own before the start: the application gets it back.
struct Program {
  const char* const* args;  // null-terminated; args[0] is looked up as execvp(3) does
  const char** environment;
  kernel::SignalSet signal_mask = 0;
  kernel::SignalAction on_child_signal;
};

// The application's place among sessions, process groups and terminals.
struct Place {
  enum class Kind {
    own_session,  // of which it is the leader, with `terminal` as its controlling terminal
    own_group,    // in the session the init is in, in the foreground of `terminal`
  };
  Kind kind = Kind::own_group;
  int terminal = -1;    // -1 for none
  bool opened = false;  // the terminal's descriptor is of our making
};

// Settles where the application belongs. A session leader, which is what container runtimes make of PID 1,
// gives its controlling terminal up for the application to take. The kernel sends it SIGHUP and SIGCONT for
// that (disassociate_ctty() in drivers/tty/tty_jobctrl.c), as if it had sent them itself. All signals must be
// blocked.
[[nodiscard]] Place prepare_place();

// Undoes prepare_place(). No SIGHUP or SIGCONT is pending then.
void take_back(const Place& place);

// Versions of Linux as numbers, so that they can be compared.
constexpr int version_number(int major, int minor) {
  return major * 1000 + minor;
}

// The kernel's own; 0 if it cannot be had.
[[nodiscard]] int linux_version();

// A child.
struct Spawned {
  long pid = 0;    // or -errno where the kernel would make no process
  int pidfd = -1;  // closed by exec; -1 where the kernel has no such thing or was not allowed to make it
  int shares_memory =
      0;  // 1 until it executes something or ends, where it uses the init's memory for so long
};

// Starts the program in its place. Before it is executed, wherever that can be, settle(context, child) has
// done what PID 1 needs to do for it and for itself, so that the program finds a PID 1 at rest. In its
// environment, the variables by which systemd names the process that is meant name the program where they
// named the init; the strings themselves stay as they are, for /proc/1/environ shows those.
//
// As PID 1, the program's number is one of few, see is_steady() in start.cc. Returns its pid when it has been
// executed, or has failed to be (and then has said so and ended with 127 or 126); or -errno, where no process
// can be made, and nothing has been settled.
[[nodiscard]] long spawn(const Program& program, const Place& place,
                         void (*settle)(void* context, const Spawned& child), void* context);

// Becomes the program. If that cannot be, says why on stderr and exits: 127 where there is no such program,
// 126 where there is one that cannot be executed.
[[noreturn]] void execute(const Program& program);

}  // namespace runi
