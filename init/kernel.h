// The kernel without a C library: the system calls that the init makes, on x86-64 and arm64.
//
// A call returns what the kernel returned: its value, or -errno. Nothing retries, nothing sets errno.
#pragma once

#include "pidfd_info.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <linux/utsname.h>
#include <linux/wait.h>

#include <cstddef>
#include <cstdint>

namespace runi::kernel {

// One bit a signal, signal 1 lowest. The kernel's own set: libc's hides 32 and 33 (and musl 34).
using SignalSet = std::uint64_t;

constexpr SignalSet kEverySignal = ~SignalSet{0};

constexpr SignalSet set_of(int signal) {
  return SignalSet{1} << (signal - 1);
}

// The kernel's struct sigaction on both architectures (include/linux/signal_types.h), not libc's.
struct SignalAction {
  void (*handler)(int) = nullptr;  // null is SIG_DFL
  unsigned long flags = 0;
  void (*restorer)() = nullptr;
  SignalSet mask = 0;
};

// SIG_IGN.
inline void (*const kIgnore)(int) = reinterpret_cast<void (*)(int)>(1);

#if defined(__x86_64__)

// clang-format off
[[gnu::always_inline]] inline long call(long number) {
  asm volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
  return number;
}
[[gnu::always_inline]] inline long call(long number, long a) {
  asm volatile("syscall" : "+a"(number) : "D"(a) : "rcx", "r11", "memory");
  return number;
}
[[gnu::always_inline]] inline long call(long number, long a, long b) {
  asm volatile("syscall" : "+a"(number) : "D"(a), "S"(b) : "rcx", "r11", "memory");
  return number;
}
[[gnu::always_inline]] inline long call(long number, long a, long b, long c) {
  asm volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return number;
}
[[gnu::always_inline]] inline long call(long number, long a, long b, long c, long d) {
  register long r10 asm("r10") = d;
  asm volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return number;
}
[[gnu::always_inline]] inline long call(long number, long a, long b, long c, long d, long e) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return number;
}
// clang-format on

#elif defined(__aarch64__)

[[gnu::always_inline]] inline long call(long number, long a = 0) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
  return x0;
}
[[gnu::always_inline]] inline long call(long number, long a, long b) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
  return x0;
}
[[gnu::always_inline]] inline long call(long number, long a, long b, long c) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
[[gnu::always_inline]] inline long call(long number, long a, long b, long c, long d) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
[[gnu::always_inline]] inline long call(long number, long a, long b, long c, long d, long e) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}

#else
#error "runi-init knows the system calls of x86-64 and arm64 only"
#endif

// A pointer as an argument of call(). The analyzer cannot see that the assembly writes there, but assumes it
// of a function without a body.
[[gnu::always_inline]] inline long word(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}
#ifdef __clang_analyzer__
long word(void* pointer);
#else
[[gnu::always_inline]] inline long word(void* pointer) {
  return reinterpret_cast<long>(pointer);
}
#endif

// --- signals -----------------------------------------------------------------------------------------------

inline long set_signal_mask(SignalSet mask, SignalSet* old) {
  return call(__NR_rt_sigprocmask, SIG_SETMASK, word(&mask), word(old), sizeof mask);
}

inline long set_signal_action(int signal, const SignalAction& action, SignalAction* old) {
  return call(__NR_rt_sigaction, signal, word(&action), word(old), sizeof action.mask);
}

// Takes one pending signal that is in `set`, waiting for it at most `timeout`, or for ever if that is null.
// Returns its number. Errors: -EAGAIN when the time is over, -EINTR after a stop or for a tracer.
inline long wait_for_signal(SignalSet set, siginfo_t* info, const __kernel_timespec* timeout) {
  return call(__NR_rt_sigtimedwait, word(&set), word(info), word(timeout), sizeof set);
}

// Sends a signal with all that came with it. For other processes the kernel accepts only what a process could
// have queued: si_code below 0 and not SI_TKILL (do_rt_sigqueueinfo() in kernel/signal.c).
inline long queue_signal(long pid, const siginfo_t& info) {
  return call(__NR_rt_sigqueueinfo, pid, info.si_signo, word(&info));
}

inline long kill(long pid, int signal) {
  return call(__NR_kill, pid, signal);
}

// Returns a descriptor that can be read from while one of these signals is pending.
inline long open_signals(SignalSet set) {
  return call(__NR_signalfd4, -1, word(&set), sizeof set, O_CLOEXEC);
}

// Waits for an event on a file, at most `timeout`, or for ever if that is null. Returns the number of files
// with an event; 0 when the time is over.
inline long poll(pollfd* files, unsigned count, const __kernel_timespec* timeout) {
  return call(__NR_ppoll, word(files), count, word(timeout), 0, 0);
}

// --- processes ---------------------------------------------------------------------------------------------

inline long getpid() {
  return call(__NR_getpid);
}
inline long getppid() {
  return call(__NR_getppid);
}
inline long getsid() {
  return call(__NR_getsid, 0);
}
inline long getpgid(long pid) {
  return call(__NR_getpgid, pid);
}
inline long yield() {
  return call(__NR_sched_yield);
}
inline long setsid() {
  return call(__NR_setsid);
}
inline long own_group() {
  return call(__NR_setpgid, 0, 0);
}

// The policy, with SCHED_RESET_ON_FORK where that is set.
inline long scheduling_policy() {
  return call(__NR_sched_getscheduler, 0);
}

// PIDFD_GET_INFO.
inline long process_info(long pidfd, ProcessInfo* info) {
  info->mask = kPidfdInfoExit;
  return call(__NR_ioctl, pidfd, kPidfdGetInfo, word(info));
}

// Lets go of a process that is traced and stopped; it continues with `signal`, 0 for none.
inline long stop_tracing(long pid, int signal) {
  return call(__NR_ptrace, PTRACE_DETACH, pid, 0, signal);
}

// Whether processes of the same user may trace this one, or look into it (prctl(2)).
inline long set_dumpable(bool on) {
  return call(__NR_prctl, PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0);
}

inline long getuid() {
  return call(__NR_getuid);
}

// Sets the real user only: the effective user stays, and with it every capability.
inline long set_real_user(long user) {
  return call(__NR_setresuid, user, -1, -1);
}

inline long kernel_name(new_utsname* name) {
  return call(__NR_uname, word(name));
}

// Returns a pidfd, closed by exec.
inline long open_process(long pid) {
  return call(__NR_pidfd_open, pid, 0);
}

inline long set_subreaper(bool on) {
  return call(__NR_prctl, PR_SET_CHILD_SUBREAPER, on ? 1 : 0);
}

inline long set_parent_death_signal(int signal) {
  return call(__NR_prctl, PR_SET_PDEATHSIG, signal);
}

// Any child's change of state. info->si_pid is 0 if WNOHANG found none.
inline long wait_for_any(siginfo_t* info, int options) {
  info->si_pid = 0;
  return call(__NR_waitid, P_ALL, 0, word(info), options, 0);
}

inline long execve(const char* path, const char* const* args, const char* const* environment) {
  return call(__NR_execve, word(path), word(args), word(environment));
}

[[noreturn]] inline void exit(int status) {
  for (;;) call(__NR_exit_group, status);
}

// --- files -------------------------------------------------------------------------------------------------

inline long open(const char* path, int flags) {
  return call(__NR_openat, AT_FDCWD, word(path), flags, 0);
}
inline long read_at(long fd, char* buffer, std::size_t size, long offset) {
  return call(__NR_pread64, fd, word(buffer), static_cast<long>(size), offset);
}
// Reads a symbolic link, without a null at its end. Returns its length.
inline long read_link(const char* path, char* buffer, std::size_t size) {
  return call(__NR_readlinkat, AT_FDCWD, word(path), word(buffer), static_cast<long>(size));
}
inline long close(long fd) {
  return call(__NR_close, fd);
}
inline long replace_file(long fd, int replaced) {
  return call(__NR_dup3, fd, replaced, 0);
}
inline long close_range(unsigned first, unsigned last) {
  return call(__NR_close_range, first, last, 0);
}
inline long status_flags(int fd) {
  return call(__NR_fcntl, fd, F_GETFL);
}
inline long status(long fd, struct stat* status) {
  return call(__NR_fstat, fd, word(status));
}
inline long chdir(const char* path) {
  return call(__NR_chdir, word(path));
}
inline long writev(int fd, const iovec* parts, int count) {
  return call(__NR_writev, fd, word(parts), count);
}
inline long ioctl(long fd, unsigned request, long argument) {
  return call(__NR_ioctl, fd, request, argument);
}
inline long ioctl(long fd, unsigned request, int* value) {
  return ioctl(fd, request, word(value));
}

// --- time --------------------------------------------------------------------------------------------------

constexpr long kNsPerSecond = 1'000'000'000;

// Returns the time of a clock in nanoseconds: of CLOCK_MONOTONIC, or of one of cpu_clock_of().
[[gnu::noinline, gnu::cold]] inline long time_ns(long clock) {
  __kernel_timespec now;
  const long result = call(__NR_clock_gettime, clock, word(&now));
  return result != 0 ? result : now.tv_sec * kNsPerSecond + now.tv_nsec;
}

// The clock of the CPU time that a process has used (clock_getcpuclockid(3); CPUCLOCK_SCHED of
// include/linux/posix-timers.h).
constexpr long cpu_clock_of(long pid) {
  return ~pid << 3 | 2;
}

// --- memory ------------------------------------------------------------------------------------------------

// Gives back the pages from begin, a page border, up to end; the last one whole. Does nothing unless end is
// above begin; pages that are not mapped do no harm. Always inline, because the code of a call could be in
// what is given back.
[[gnu::always_inline]] inline void discard(const char* begin, const char* end) {
  if (begin < end) call(__NR_madvise, word(begin), end - begin, MADV_DONTNEED);
}

// --- what needs assembly (entry.cc) ------------------------------------------------------------------------

// Makes a process with the system call `number` (clone, or one without arguments such as vfork) that runs
// function(argument) on the stack that ends at stack_top, never on the caller's frames: a child that shares
// memory with its parent cannot spoil those. With CLONE_PIDFD, if the kernel knows it, files[0] becomes the
// child's pidfd; with CLONE_CHILD_CLEARTID, files[1] becomes 0 when the child leaves the memory. Returns the
// child's pid, or -errno.
extern "C" long runi_spawn(long number, unsigned long flags, char* stack_top, void (*function)(const void*),
                           const void* argument, int* files);

}  // namespace runi::kernel
