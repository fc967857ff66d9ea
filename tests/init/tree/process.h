// A process of the tests: it says what it finds to a pipe, and has all 64 signals, libc's own included.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <ctime>

namespace tree {

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr int kMark = 64;  // taken after all that was sent before it
constexpr int kDeadlineS = 25;

constexpr std::uint64_t only(int number) {
  return std::uint64_t{1} << (number - 1);
}

// Where say() writes to.
inline int out = -1;

[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);

// Says what went wrong, with errno, and exits.
[[noreturn]] void give_up(const char* what);

void set_mask(std::uint64_t mask);

// As sigtimedwait(2), but goes on where that is interrupted.
int take(std::uint64_t set, siginfo_t* info, const timespec* limit);

bool queue(pid_t pid, int number, int value);

// Exits with the number, or dies by it.
[[noreturn]] void end(bool by_signal, int number);

// Leaves the processor to others for a moment. Not sched_yield(2): on Linux 6.18 a process that does little
// else can keep one that was just woken from ever running.
void step_aside(std::int64_t moment_ns = 100'000);

// Waits until the init and this process are the only ones, zombies included. Returns whether that came in
// time.
bool await_solitude();

}  // namespace tree
