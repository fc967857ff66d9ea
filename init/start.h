// Starts the application so that it finds what it would find without an init.
#pragma once

#include "kernel.h"

namespace runi {

// The application, and what the init changed of its own before the start, for the application to get back.
struct Program {
  const char* const* args;  // null-terminated; args[0] is looked up as execvp(3) does
  const char** environment;
  kernel::SignalSet signal_mask = 0;
  kernel::SignalAction on_child_signal;
};

// The application's place among sessions, process groups and terminals.
struct Place {
  enum class Kind {
    own_session,  // it leads one, with `terminal` as its controlling terminal
    own_group,    // it leads one in the init's session, in the foreground of `terminal`
  };
  Kind kind = Kind::own_group;
  int terminal = -1;    // -1 for none
  bool opened = false;  // whether the terminal's descriptor is one we opened
};

// Finds the application's place. A session leader, which container runtimes make of PID 1, gives its
// controlling terminal up for the application to take. The kernel sends it SIGHUP and SIGCONT for that, as if
// it had sent them itself (disassociate_ctty() in drivers/tty/tty_jobctrl.c). All signals must be blocked.
[[nodiscard]] Place prepare_place();

// Undoes prepare_place(). Afterwards no SIGHUP or SIGCONT is pending.
void take_back(const Place& place);

// Versions of Linux as numbers, so that they can be compared.
constexpr int version_number(int major, int minor) {
  return major * 1000 + minor;
}

// The running kernel's; 0 if it cannot be had.
[[nodiscard]] int linux_version();

// A child.
struct Spawned {
  long pid = 0;           // or -errno if the kernel made no process
  int pidfd = -1;         // closed by exec; -1 if the kernel has none or was not allowed to make one
  int shares_memory = 0;  // 1 for as long as it uses the init's memory: until it executes something or ends
};

// Starts the program in its place. Wherever possible settle(context, child) is called and done before the
// program is executed, so that the program finds a PID 1 at rest. Variables by which systemd addresses one
// process (LISTEN_PID and the like) name the program if they named the init; the strings themselves stay as
// they are, because /proc/1/environ shows them.
//
// Where the init is PID 1, the program's number is one of few, see is_steady() in start.cc. Returns its pid
// when it has been executed, or could not be (then it has said so, and ended with 127 or 126). Errors: -errno
// if no process can be made; then nothing has been settled.
[[nodiscard]] long spawn(const Program& program, const Place& place,
                         void (*settle)(void* context, const Spawned& child), void* context);

// Becomes the program. Otherwise says why on stderr and exits: with 127 if there is no such program, with 126
// if it cannot be executed.
[[noreturn]] void execute(const Program& program);

}  // namespace runi
