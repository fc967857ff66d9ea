#include "process.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace tree {
namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;

std::int64_t now_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * kNsPerS + now.tv_nsec;
}

}  // namespace

void say(const char* format, ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  const int length = std::vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (write(out, line, static_cast<std::size_t>(length)) != length) _exit(98);
}

void give_up(const char* what) {
  say("wrong: %s: %s\n", what, std::strerror(errno));
  _exit(99);
}

// sigprocmask(3) and sigtimedwait(3) keep two signals for libc. The system calls do not.
void set_mask(std::uint64_t mask) {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask);
}

int take(std::uint64_t set, siginfo_t* info, const timespec* limit) {
  for (;;) {
    const long number = syscall(SYS_rt_sigtimedwait, &set, info, limit, sizeof set);
    if (number > 0 || errno != EINTR) return static_cast<int>(number);
  }
}

bool queue(pid_t pid, int number, int value) {
  return sigqueue(pid, number, {.sival_int = value}) == 0;
}

void end(bool by_signal, int number) {
  if (!by_signal) _exit(number);
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(number, SIG_DFL);  // an ancestor may have ignored it
  set_mask(kAll & ~only(number));
  kill(getpid(), number);
  _exit(97);
}

void step_aside(std::int64_t moment_ns) {
  const timespec moment = {moment_ns / kNsPerS, moment_ns % kNsPerS};
  nanosleep(&moment, nullptr);
}

// kill(2) finds zombies, too. It holds the lock that reaping needs for as long as it walks them all, so it
// gets a small share of the time.
bool await_solitude() {
  constexpr int kShare = 50;
  const std::int64_t deadline = now_ns(CLOCK_MONOTONIC) + kDeadlineS * kNsPerS;
  for (;;) {
    const std::int64_t began = now_ns(CLOCK_THREAD_CPUTIME_ID);
    if (kill(-1, SIGCONT) != 0) return errno == ESRCH;
    const std::int64_t took = now_ns(CLOCK_THREAD_CPUTIME_ID) - began;
    if (now_ns(CLOCK_MONOTONIC) > deadline) return false;
    step_aside(std::max<std::int64_t>(took * kShare, 100'000));
  }
}

}  // namespace tree
