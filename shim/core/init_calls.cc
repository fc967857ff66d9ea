#include "core/init_calls.h"

#include "init/pidfd_info.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstddef>
#include <ctime>

namespace runi::seccomp {
namespace {

using enum Need;
using enum When;

constexpr Argument kAny = {};

constexpr Argument is(std::uint64_t value) {
  return {true, value};
}

// As init/kernel.h has it.
constexpr std::uint64_t kSetSize = 8;                 // of a kernel's set of signals
constexpr std::uint64_t kNoFile = ~std::uint64_t{0};  // -1
constexpr std::uint64_t kHere = static_cast<std::uint64_t>(AT_FDCWD);
constexpr std::uint64_t kLastFile = ~0U;
constexpr std::uint64_t kUnchanged = ~std::uint64_t{0};  // -1
constexpr std::uint64_t kSpawn = CLONE_VM | CLONE_VFORK | SIGCHLD;
constexpr std::uint64_t kSpawnWaiting = CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD;

// What the files of init/ call. A call has two rows where its arguments differ. Not here: writev, for the
// message after a start that has failed; the calls of options that runi never gives; ptrace, which is called
// only for an application that has called it.
constexpr Call kCalls[] = {
    // Blocked signals, the action of SIGCHLD, and whether it can wait for either: tried before anything else.
    {"rt_sigprocmask",
     SYS_rt_sigprocmask,
     indispensable,
     always,
     {is(SIG_SETMASK), kAny, kAny, is(kSetSize)}},
    {"rt_sigaction", SYS_rt_sigaction, indispensable, always, {is(SIGCHLD), kAny, kAny, is(kSetSize)}},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, indispensable, always, {kAny, kAny, kAny, is(kSetSize)}},
    {"waitid",
     SYS_waitid,
     indispensable,
     always,
     {is(P_ALL), is(0), kAny, is(WEXITED | WNOHANG | WNOWAIT), is(0)}},
    {"sched_getscheduler", SYS_sched_getscheduler, wanted, always, {is(0)}},
    {"prctl", SYS_prctl, ignored, subreaper, {is(PR_SET_CHILD_SUBREAPER), is(1)}},
    // The application's place among sessions and terminals.
    {"getsid", SYS_getsid, wanted, always, {is(0)}},
    {"getpid", SYS_getpid, wanted, always, {}},
    {"ioctl", SYS_ioctl, wanted, always, {is(0), is(TIOCGSID)}},
    {"ioctl", SYS_ioctl, wanted, always, {is(1), is(TIOCGSID)}},
    {"ioctl", SYS_ioctl, wanted, always, {is(2), is(TIOCGSID)}},
    {"fcntl", SYS_fcntl, wanted, always, {kAny, is(F_GETFL)}},
    {"ioctl", SYS_ioctl, wanted, always, {kAny, is(TIOCGPGRP)}},
    {"getpgid", SYS_getpgid, wanted, always, {is(0)}},
    {"openat", SYS_openat, wanted, always, {is(kHere), kAny, is(O_RDWR | O_CLOEXEC | O_NOCTTY), is(0)}},
    {"ioctl", SYS_ioctl, wanted, always, {kAny, is(TIOCNOTTY), is(0)}},
    {"prctl", SYS_prctl, ignored, always, {is(PR_SET_DUMPABLE), is(0), is(0), is(0), is(0)}},
    // The new process. A way that the kernel refuses for another reason than the profile is followed by none.
    {"clone", SYS_clone, process, always, {is(kSpawnWaiting)}},
    {"clone", SYS_clone, process, always, {is(kSpawn | CLONE_PIDFD)}},
    {"clone", SYS_clone, process, always, {is(SIGCHLD)}},
#if defined(__NR_vfork) && defined(__NR_fork)
    {"vfork", SYS_vfork, process, always, {}},
    {"fork", SYS_fork, process, always, {}},
#endif
    // Until it and PID 1 are ready for each other; and one that has left its number to the next.
    {"sched_yield", SYS_sched_yield, ignored, always, {}},
    {"waitid", SYS_waitid, wanted, always, {is(P_ALL), is(0), kAny, is(WEXITED), is(0)}},
    // If there is none, for a limit: back.
    {"prctl", SYS_prctl, ignored, subreaper, {is(PR_SET_CHILD_SUBREAPER), is(0)}},
    // In it, up to the application.
    {"setsid", SYS_setsid, ignored, always, {}},
    {"ioctl", SYS_ioctl, ignored, always, {kAny, is(TIOCSCTTY), is(0)}},
    {"setpgid", SYS_setpgid, ignored, always, {is(0), is(0)}},
    {"ioctl", SYS_ioctl, ignored, always, {kAny, is(TIOCSPGRP)}},
    {"getppid", SYS_getppid, wanted, always, {}},
    {"pidfd_open", SYS_pidfd_open, wanted, listen_pidfd, {kAny, is(0)}},
    {"fstat", SYS_fstat, wanted, listen_pidfd, {}},
    {"execve", SYS_execve, indispensable, always, {}},
    // PID 1 lets go of what it does not need; of a terminal, by name.
    {"close", SYS_close, ignored, always, {}},
    {"close_range", SYS_close_range, wanted, always, {is(3), kAny, is(0)}},
    {"close_range", SYS_close_range, wanted, always, {kAny, is(kLastFile), is(0)}},
    {"openat", SYS_openat, wanted, always, {is(kHere), kAny, is(O_PATH), is(0)}},
    {"dup3", SYS_dup3, ignored, always, {kAny, kAny, is(0)}},
    {"chdir", SYS_chdir, ignored, always, {}},
    // Whether the kernel can reap.
    {"ioctl", SYS_ioctl, wanted, always, {kAny, is(kernel::kPidfdGetInfo)}},
    {"uname", SYS_uname, wanted, always, {}},
    {"signalfd4", SYS_signalfd4, wanted, always, {is(kNoFile), kAny, is(kSetSize), is(O_CLOEXEC)}},
    {"ppoll", SYS_ppoll, wanted, always, {kAny, is(2), kAny, is(0), is(0)}},
    {"capget", SYS_capget, wanted, always, {}},
    {"getuid", SYS_getuid, wanted, facts, {}},
    {"readlinkat", SYS_readlinkat, wanted, facts, {is(kHere)}},
    {"openat", SYS_openat, wanted, facts, {is(kHere), kAny, is(O_RDONLY | O_CLOEXEC), is(0)}},
    {"prctl", SYS_prctl, ignored, sandbox, {is(PR_SET_NO_NEW_PRIVS), is(1), is(0), is(0), is(0)}},
    {"prctl", SYS_prctl, ignored, sandbox, {is(PR_SET_SECCOMP), is(2)}},
    {"prctl", SYS_prctl, ignored, sandbox, {is(PR_SET_DUMPABLE), is(1), is(0), is(0), is(0)}},
    {"madvise", SYS_madvise, ignored, always, {kAny, kAny, is(4)}},
    // Its life. Signals that do not reach the application would be worse than no init.
    {"kill", SYS_kill, indispensable, always, {}},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, wanted, always, {}},
    {"getpgid", SYS_getpgid, wanted, always, {}},
    {"waitid", SYS_waitid, indispensable, always, {is(P_ALL), is(0), kAny, is(WEXITED | WNOHANG), is(0)}},
    {"pread64", SYS_pread64, wanted, facts, {}},
    {"setresuid", SYS_setresuid, wanted, borrowing, {kAny, is(kUnchanged), is(kUnchanged)}},
    {"clock_gettime", SYS_clock_gettime, wanted, grace, {is(CLOCK_MONOTONIC)}},
    {"clock_gettime", SYS_clock_gettime, wanted, facts, {}},
    {"exit_group", SYS_exit_group, indispensable, always, {}},
};

constexpr std::size_t kNumbers = 512;

constexpr std::array<std::uint64_t, kNumbers> kBits = [] {
  std::array<std::uint64_t, kNumbers> bits = {};
  unsigned next = 0;
  for (const Call& call : kCalls) {
    std::uint64_t& bit = bits[static_cast<std::size_t>(call.number)];
    if (bit == 0) bit = std::uint64_t{1} << next++;
  }
  return bits;
}();

}  // namespace

std::span<const Call> init_calls() {
  return kCalls;
}

std::uint64_t bit_of(int number) {
  const auto index = static_cast<std::size_t>(number);  // beyond all, where the number is negative
  return index < kNumbers ? kBits[index] : 0;
}

}  // namespace runi::seccomp
