#include "storms.h"

#include "process.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace tree {
namespace {

constexpr int kFlood[] = {34, 35, 40, 50, 60};
constexpr int kSenders = 8;

void await(int number) {
  siginfo_t info;
  take(only(number), &info, nullptr);
}

[[noreturn]] void wait_for_ever() {
  set_mask(0);
  for (;;) pause();
}

}  // namespace

int count() {
  set_mask(kAll);
  say("ready\n");
  std::map<int, std::pair<long, long>> got;
  std::map<int, int> next[kSenders];
  for (;;) {
    siginfo_t info;
    const int number = take(kAll, &info, nullptr);
    if (number == kMark) break;
    auto& [times, faults] = got[number];
    ++times;
    if (number < 34) continue;
    const int sender = info.si_value.sival_int >> 24 & (kSenders - 1);
    if (info.si_code != SI_QUEUE || (info.si_value.sival_int & 0xFFFFFF) != next[sender][number]++) ++faults;
  }
  for (const auto& [number, seen] : got) say("%d %ld %ld\n", number, seen.first, seen.second);
  say("end\n");
  return 0;
}

int send(pid_t pid, int count, int sender) {
  alarm(kDeadlineS);  // for a queue that stays full
  int next[std::size(kFlood)] = {};
  for (int i = 0; i < count; ++i) {
    const std::size_t which = static_cast<std::size_t>(i) % std::size(kFlood);
    while (!queue(pid, kFlood[which], sender << 24 | next[which])) {
      if (errno != EAGAIN) return 1;
      step_aside();
    }
    ++next[which];
    if (i % 16 == 0 && kill(pid, SIGUSR1) != 0) return 1;
  }
  return 0;
}

void zombies(int count) {
  set_mask(kAll);
  int made[2];
  if (pipe(made) != 0) give_up("pipe");
  say("ready\n");
  await(SIGUSR1);
  const pid_t parent = fork();
  if (parent == 0) {
    int number = 0;
    for (; number < count; ++number) {
      const pid_t pid = vfork();
      if (pid == 0) _exit(0);
      if (pid < 0) break;
    }
    if (write(made[1], &number, sizeof number) != sizeof number) give_up("write");
    await(SIGUSR1);
    _exit(0);
  }
  int number = 0;
  if (read(made[0], &number, sizeof number) != sizeof number) give_up("read");
  say("made %d\n", number);
  await(SIGUSR1);
  kill(parent, SIGUSR1);
  waitpid(parent, nullptr, 0);
  say("%s\n", await_solitude() ? "alone" : "zombies are left");
  wait_for_ever();
}

void limit() {
  set_mask(kAll);
  say("ready\n");
  await(SIGUSR1);
  std::vector<pid_t> pids;
  for (;;) {
    // Every second one is orphaned: its parent ends at once.
    const pid_t pid = fork();
    if (pid == 0) {
      if (fork() > 0) _exit(0);
      wait_for_ever();
    }
    if (pid < 0) break;
    pids.push_back(pid);
  }
  const int error = errno;
  say("refused %zu %s\n", pids.size(), error == EAGAIN ? "EAGAIN" : std::strerror(error));
  await(SIGUSR1);
  // Again and again, because a process that is just being made is not there yet.
  while (kill(-1, SIGKILL) == 0) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  say("released\n");
  wait_for_ever();
}

void memory() {
  set_mask(kAll);
  say("ready\n");
  await(SIGUSR1);
  for (;;) {
    constexpr std::size_t kSize = 1 << 20;
    void* more =
        mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (more == MAP_FAILED) give_up("mmap");
    std::memset(more, 1, kSize);
  }
}

}  // namespace tree
