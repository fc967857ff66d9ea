// The least that is still an init: blocks all signals, starts the command, forwards what comes, reaps, and
// ends as the command ends. No options, no search in PATH, no terminal, nothing kept and nothing given back.
// hack/bench init measures it as the floor; it is not for use. Links with init/entry.cc.
#include "../init/kernel.h"

namespace {

using namespace runi;

struct Command {
  char** args;
  char** environment;
  kernel::SignalSet mask;
};

void become(const void* argument) {
  const auto& command = *static_cast<const Command*>(argument);
  kernel::set_signal_mask(command.mask, nullptr);
  kernel::execve(command.args[0], command.args, command.environment);
  kernel::exit(127);
}

// As the command, where that is the child that ended.
void reap(long command) {
  for (siginfo_t child; kernel::wait_for_any(&child, WEXITED | WNOHANG) == 0 && child.si_pid != 0;) {
    if (child.si_pid != command) continue;
    kernel::exit(child.si_code == CLD_EXITED ? child.si_status : 128 + child.si_status);
  }
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void runi_start(long* stack) {
  const long count = *stack;
  char** const args = reinterpret_cast<char**>(stack + 1);
  Command command = {args + 1, args + count + 1, 0};
  kernel::set_signal_mask(kernel::kEverySignal, &command.mask);
  if (count < 2) kernel::exit(125);
  alignas(16) char room[512];
  int no_files[2];
  const long pid = runi::kernel::runi_spawn(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, room + sizeof room,
                                            become, &command, no_files);
  if (pid < 0) kernel::exit(126);
  for (;;) {
    siginfo_t info;
    const long signal = kernel::wait_for_signal(kernel::kEverySignal, &info, nullptr);
    if (signal == SIGCHLD) reap(pid);
    if (signal > 0 && signal != SIGCHLD) kernel::kill(pid, static_cast<int>(signal));
  }
}
