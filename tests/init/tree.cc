// An application for runi-init that makes more processes and takes more signals than a script could.
//
//   tree rounds OUT SEED ROUNDS exit|kill NUMBER
//       Grows ROUNDS random trees of processes, one after the other, and compares what becomes of each with
//       its plan. Says "ready", then "done TREES PROCESSES", takes signals up to kMark, tells them ("NUMBER
//       CODE VALUE"), then "end", and exits with NUMBER or dies by it. A difference is told as "wrong: ...".
//       See Node.
//   tree count OUT
//       Says "ready" and takes signals up to kMark. Tells "NUMBER COUNT FAULTS" of each number it got: as
//       faults count values that a sender had not sent next (see send).
//   tree send PID COUNT SENDER
//       Queues COUNT signals of kFlood for PID, with values that count up for each number; every so often
//       SIGUSR1. Where the queue is full it waits its turn.
//   tree zombies OUT COUNT
//       Says "ready"; on SIGUSR1 makes COUNT processes that end at once and are reaped by nobody, says "made
//       COUNT", on SIGUSR1 has their parent end, and says "alone" when nothing is left but itself and the
//       init.
//   tree limit OUT
//       Says "ready"; on SIGUSR1 forks until that is refused, says "refused COUNT", kills all of them, waits
//       until they are gone, says "released", and waits.
//   tree memory OUT
//       Says "ready"; on SIGUSR1 takes memory until it is killed for it.
//   tree exit|kill NUMBER
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr int kMark = 64;      // taken after all that was sent before it
constexpr int kFromTree = 63;  // what the processes of a tree queue for PID 1
constexpr int kParentEnded = 62;
constexpr int kFlood[] = {34, 35, 40, 50, 60};
constexpr int kSenders = 8;
constexpr int kDeadlineS = 25;
constexpr std::int64_t kNsPerS = 1'000'000'000;

int out = -1;

[[gnu::format(printf, 1, 2)]] void say(const char* format, ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  const int length = std::vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (write(out, line, static_cast<std::size_t>(length)) != length) _exit(98);
}

[[noreturn]] void give_up(const char* what) {
  say("wrong: %s: %s\n", what, std::strerror(errno));
  _exit(99);
}

// libc keeps two signals to itself; these do not.
void set_mask(std::uint64_t mask) {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask);
}

int take(std::uint64_t set, siginfo_t* info, const timespec* limit) {
  for (;;) {
    const long number = syscall(SYS_rt_sigtimedwait, &set, info, limit, sizeof set);
    if (number > 0 || errno != EINTR) return static_cast<int>(number);
  }
}

constexpr std::uint64_t only(int number) {
  return std::uint64_t{1} << (number - 1);
}

bool queue(int pid, int number, int value) {
  return sigqueue(pid, number, {.sival_int = value}) == 0;
}

[[noreturn]] void end(bool by_signal, int number) {
  if (!by_signal) _exit(number);
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(number, SIG_DFL);  // an ancestor may have ignored it
  set_mask(kAll & ~only(number));
  kill(getpid(), number);
  _exit(97);
}

// --- rounds

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t limit) {  // splitmix64
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return static_cast<std::uint32_t>((z ^ z >> 31) % limit);
  }
  bool one_in(std::uint32_t times) { return below(times) == 0; }

 private:
  std::uint64_t state_;
};

// A process of a tree, as planned before the tree is grown.
struct Node {
  enum class Parting {
    reaps,    // waits for its children, and compares their statuses with the plan
    watches,  // ends when all its children have, and leaves them as zombies
    leaves,   // ends at once
  };
  enum class Place { same, group, session };
  enum class Form { plain, executes, thread };  // thread: its first thread ends before it does

  std::vector<int> children;
  Parting parting = Parting::leaves;
  Place place = Place::same;
  Form form = Form::plain;
  bool outlives_parent = false;
  bool reaps_orphans = false;  // as a subreaper, until it ends
  bool ignores = false;        // what can be ignored, SIGCHLD excepted
  bool stops = false;          // until someone continues it
  bool tells_init = false;
  bool killed = false;
  int number = 0;  // of the signal, or the exit code

  // As wait(2) tells it; a core is never dumped.
  [[nodiscard]] int status() const { return killed ? number : number << 8; }
};

using Tree = std::vector<Node>;
constexpr std::uint32_t kMostNodes = 16;

// The processes that have stopped or are about to, shared by all.
std::atomic<pid_t>* stopping;

Tree plan(Random& random) {
  constexpr int kDeadly[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
                             SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGSYS, 32,     40,      61};
  Tree tree(2 + random.below(kMostNodes - 1));
  for (std::size_t i = 1; i < tree.size(); ++i) {
    Node& node = tree[i];
    Node& parent = tree[random.below(static_cast<std::uint32_t>(i))];
    parent.children.push_back(static_cast<int>(i));
    node.parting = static_cast<Node::Parting>(random.below(3));
    node.place = static_cast<Node::Place>(random.below(3));
    node.form = random.one_in(6)   ? Node::Form::executes
                : random.one_in(6) ? Node::Form::thread
                                   : Node::Form::plain;
    node.outlives_parent =
        &parent != tree.data() && parent.parting == Node::Parting::leaves && random.one_in(2);
    node.reaps_orphans = random.one_in(6);
    node.stops = random.one_in(10);
    node.tells_init = random.one_in(6);
    node.killed = random.one_in(2);
    node.number =
        node.killed ? kDeadly[random.below(std::size(kDeadly))] : static_cast<int>(random.below(256));
    node.ignores = !node.killed && random.one_in(3);
  }
  return tree;
}

struct Context {
  const Tree& tree;
  std::uint64_t round;
};

[[noreturn]] void live(const Context& context, int index);

std::vector<pid_t> grow(const Context& context, const Node& node) {
  std::vector<pid_t> pids;
  for (const int child : node.children) {
    const pid_t pid = fork();
    if (pid < 0) give_up("fork");
    if (pid == 0) live(context, child);
    pids.push_back(pid);
  }
  return pids;
}

void reap(const Context& context, const Node& node, const std::vector<pid_t>& pids) {
  for (std::size_t i = 0; i < pids.size(); ++i) {
    int status = 0;
    if (waitpid(pids[i], &status, 0) != pids[i]) give_up("waitpid");
    const int index = node.children[i];
    const int planned = context.tree[static_cast<std::size_t>(index)].status();
    if (status != planned) {
      say("wrong: round %llu: process %d: status %#x, not %#x\n",
          static_cast<unsigned long long>(context.round), index, static_cast<unsigned>(status),
          static_cast<unsigned>(planned));
    }
  }
}

void* end_in_thread(void* node) {
  const Node& self = *static_cast<const Node*>(node);
  if (!self.killed) syscall(SYS_exit_group, self.number);
  end(true, self.number);
}

void live(const Context& context, int index) {
  Node self = context.tree[static_cast<std::size_t>(index)];
  const pid_t parent = getppid();
  if (self.place == Node::Place::group) setpgid(0, 0);
  if (self.place == Node::Place::session) setsid();
  if (self.reaps_orphans) prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (int number = 1; self.ignores && number <= 31; ++number) {
    if (number != SIGCHLD) signal(number, SIG_IGN);
  }
  if (self.tells_init && !queue(1, kFromTree, index)) give_up("queue");
  if (self.stops) {
    stopping[index] = getpid();
    raise(SIGSTOP);
    stopping[index] = 0;
  }
  const std::vector<pid_t> pids = grow(context, self);
  if (self.parting == Node::Parting::reaps) reap(context, self, pids);
  for (const pid_t pid : pids) {
    siginfo_t info;
    if (self.parting == Node::Parting::watches &&
        waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0) {
      give_up("waitid");
    }
  }
  if (self.outlives_parent) {
    // The parent was still there when this asked who it is, or it was not: then it is an adopter already.
    prctl(PR_SET_PDEATHSIG, kParentEnded);
    siginfo_t info;
    const timespec limit = {kDeadlineS, 0};
    if (getppid() == parent && parent != 1 && take(only(kParentEnded), &info, &limit) < 0 &&
        getppid() == parent) {
      give_up("the parent's end");
    }
  }
  if (self.form == Node::Form::executes) {
    char number[8];
    std::snprintf(number, sizeof number, "%d", self.number);
    execl("/proc/self/exe", "tree", self.killed ? "kill" : "exit", number, static_cast<char*>(nullptr));
    give_up("exec");
  }
  pthread_t thread;
  if (self.form == Node::Form::thread && pthread_create(&thread, nullptr, end_in_thread, &self) == 0) {
    syscall(SYS_exit, 55);
  }
  end(self.killed, self.number);
}

struct Got {
  int number, code, value;
};

// Takes what is there, or all up to kMark. The kernel's own (SIGCHLD) are not of interest.
void drain(std::vector<Got>& got, bool up_to_mark) {
  const timespec limit = {up_to_mark ? kDeadlineS : 0, 0};
  siginfo_t info;
  for (;;) {
    const int number = take(kAll & ~only(kParentEnded), &info, &limit);
    if (number < 0 && up_to_mark) give_up("the mark");
    if (number < 0 || number == kMark) return;
    if (info.si_code > 0) continue;
    got.push_back({number, info.si_code, info.si_code == SI_QUEUE ? info.si_value.sival_int : 0});
  }
}

// Leaves the processor to others for a moment. Not sched_yield(2): on Linux 6.18 a process that does little
// else can keep one that was just woken from ever running.
void step_aside(std::int64_t moment_ns = 100'000) {
  const timespec moment = {moment_ns / kNsPerS, moment_ns % kNsPerS};
  nanosleep(&moment, nullptr);
}

std::int64_t now_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * kNsPerS + now.tv_nsec;
}

// Waits until the init and this process are the only ones: kill(2) finds zombies, too. It holds the lock that
// reaping needs for as long as it walks them all, so it gets a small share of the time.
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

[[noreturn]] void continue_all() {
  for (;;) {
    for (std::uint32_t i = 0; i < kMostNodes; ++i) {
      if (const pid_t pid = stopping[i]; pid > 0) kill(pid, SIGCONT);
    }
    step_aside();
  }
}

int run_rounds(std::uint64_t seed, std::uint64_t rounds, bool by_signal, int number) {
  set_mask(kAll);
  void* shared =
      mmap(nullptr, kMostNodes * sizeof *stopping, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) give_up("mmap");
  stopping = static_cast<std::atomic<pid_t>*>(shared);
  say("ready\n");
  std::vector<Got> got;
  std::vector<int> planned(kMostNodes);  // of kFromTree, by value
  unsigned long processes = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    Random random(seed + round * 0x5851F42D4C957F2D);
    const Tree tree = plan(random);
    processes += tree.size() - 1;
    for (std::size_t i = 1; i < tree.size(); ++i) planned[i] += tree[i].tells_init ? 1 : 0;
    const Context context = {tree, round};
    const std::vector<pid_t> pids = grow(context, tree[0]);
    // Someone has to continue those that stop, while this process waits.
    const pid_t helper = fork();
    if (helper == 0) continue_all();
    reap(context, tree[0], pids);
    kill(helper, SIGKILL);
    waitpid(helper, nullptr, 0);
    if (!await_solitude()) {
      say("wrong: round %llu: something is left of the tree\n", static_cast<unsigned long long>(round));
      break;
    }
    drain(got, false);
  }
  say("done %llu %lu\n", static_cast<unsigned long long>(rounds), processes);
  drain(got, true);
  for (const Got& one : got) {
    if (one.number != kFromTree) {
      say("%d %d %d\n", one.number, one.code, one.value);
    } else {
      --planned[static_cast<std::size_t>(one.value)];
    }
  }
  for (std::size_t i = 0; i < planned.size(); ++i) {
    if (planned[i] != 0) say("wrong: %d signals too few from processes %zu\n", planned[i], i);
  }
  say("end\n");
  end(by_signal, number);
}

// --- storms

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

void await(int number) {
  siginfo_t info;
  take(only(number), &info, nullptr);
}

[[noreturn]] void wait_for_ever() {
  set_mask(0);
  for (;;) pause();
}

int zombies(int count) {
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

int limit() {
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
  // Again and again: who was just being made is not there yet.
  while (kill(-1, SIGKILL) == 0) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  say("released\n");
  wait_for_ever();
}

int memory() {
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

}  // namespace

int main(int argc, char** argv) {
  const auto is = [&](const char* name, int count) {
    return argc == count + 2 && std::strcmp(argv[1], name) == 0;
  };
  const auto number = [&](int i) { return static_cast<int>(std::strtol(argv[i], nullptr, 10)); };
  if (is("exit", 1)) end(false, number(2));
  if (is("kill", 1)) end(true, number(2));
  if (is("send", 3)) return send(number(2), number(3), number(4));
  if (argc < 3) return 2;
  out = number(2);
  if (is("rounds", 5)) {
    return run_rounds(std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10),
                      std::strcmp(argv[5], "kill") == 0, number(6));
  }
  if (is("count", 1)) return count();
  if (is("zombies", 2)) return zombies(number(3));
  if (is("limit", 1)) return limit();
  if (is("memory", 1)) return memory();
  return 2;
}
