#include "rounds.h"

#include "process.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <vector>

namespace tree {
namespace {

constexpr int kFromTree = 63;  // what the processes of a tree queue for PID 1
constexpr int kParentEnded = 62;

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

// The processes that have stopped or are about to, by their place in the tree, in memory that all share.
std::atomic<pid_t>* stopping;

void share_stopping() {
  void* shared =
      mmap(nullptr, kMostNodes * sizeof *stopping, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) give_up("mmap");
  stopping = static_cast<std::atomic<pid_t>*>(shared);
}

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

[[noreturn]] void continue_all() {
  for (;;) {
    for (std::uint32_t i = 0; i < kMostNodes; ++i) {
      if (const pid_t pid = stopping[i]; pid > 0) kill(pid, SIGCONT);
    }
    step_aside();
  }
}

// Grows the tree and waits for its end. Returns whether nothing is left of it.
bool run_round(const Context& context) {
  const Node& root = context.tree[0];
  const std::vector<pid_t> pids = grow(context, root);
  // Someone has to continue those that stop, while this process waits.
  const pid_t helper = fork();
  if (helper == 0) continue_all();
  reap(context, root, pids);
  kill(helper, SIGKILL);
  waitpid(helper, nullptr, 0);
  if (await_solitude()) return true;
  say("wrong: round %llu: something is left of the tree\n", static_cast<unsigned long long>(context.round));
  return false;
}

// Tells what was got, but for the signals that the trees' processes have sent: of those, what is missing.
// `planned` is how many of them each place in the trees was to send.
void tell(const std::vector<Got>& got, std::vector<int> planned) {
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
}

}  // namespace

void run_rounds(std::uint64_t seed, std::uint64_t rounds, bool by_signal, int number) {
  set_mask(kAll);
  share_stopping();
  say("ready\n");
  std::vector<Got> got;
  std::vector<int> planned(kMostNodes);
  unsigned long processes = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    Random random(seed + round * 0x5851F42D4C957F2D);
    const Tree tree = plan(random);
    processes += tree.size() - 1;
    for (std::size_t i = 1; i < tree.size(); ++i) planned[i] += tree[i].tells_init ? 1 : 0;
    if (!run_round({tree, round})) break;
    drain(got, false);
  }
  say("done %llu %lu\n", static_cast<unsigned long long>(rounds), processes);
  drain(got, true);
  tell(got, planned);
  say("end\n");
  end(by_signal, number);
}

}  // namespace tree
