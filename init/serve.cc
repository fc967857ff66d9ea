#include "serve.h"

#include "files.h"
#include "report.h"
#include "sandbox.h"
#include "shield.h"
#include "text.h"

// The linker's: where the file's image lies in memory.
extern "C" const char __ehdr_start[];  // NOLINT(readability-identifier-naming)
extern "C" const char _end[];          // NOLINT(readability-identifier-naming)

// Code that is resident while the application runs is marked hot, so that the linker puts it on the file's
// first page.

namespace runi {
namespace {

using kernel::kNsPerSecond;
using kernel::set_of;

constexpr int kReapBatch = 64;    // orphans reaped before the next signal is taken
constexpr long kStartPages = 16;  // more stack than the start can have used

constexpr __kernel_timespec kNow = {};

enum class Phase : unsigned char {
  pausing,    // -P: there is no application
  running,    // the application runs
  grace,      // -t: it has ended; what it left behind has some time to do so too
  following,  // -S: it was ended by a signal; what it left behind got that too, and is waited for
};

// The two in State::polled.
constexpr int kPidfd = 0;  // the application's
constexpr int kSignalfd = 1;

struct State {
  const Options& options;
  const Place& place;
  Phase phase = Phase::pausing;
  bool backlog = false;         // there may be more to reap
  bool asked_to_end = false;    // by a SIGTERM
  bool borrows_user = false;    // signals reach the application only when they come from its user
  int status = kExitInitError;  // to end with when there is nothing left to wait for
  long self;                    // the init's own number
  Application application = {};
  long target = 0;       // of forwarded signals: the application, or minus that for its whole group
  long rest = 0;         // after the application's end: what is left, as kill(2) names it
  long own_user = -1;    // borrowing: the init's own user
  long user = -1;        // borrowing: the application's, as last seen
  long deadline_ns = 0;  // grace: when to end at the latest
  pollfd polled[2] = {{-1, 0, 0}, {-1, POLLIN, 0}};  // where the kernel reaps, see let_kernel_reap()

  [[nodiscard]] bool kernel_reaps() const { return polled[kPidfd].fd >= 0; }
};

// Drops the line if stderr takes nothing now, because nobody reads it: signals must not wait for that.
[[gnu::noinline, gnu::cold]] void say(const char* text, long number) {
  pollfd file = {2, POLLOUT, 0};
  if (kernel::poll(&file, 1, &kNow) == 0) return;
  Numbered line;
  report(line.set(text, static_cast<std::uint64_t>(number)));
}

// --- the end -----------------------------------------------------------------------------------------------

// The kernel kills what is left of a PID namespace when its PID 1 ends. Outside of one that is for us to do.
[[noreturn]] void end(const State& state) {
  if (state.rest < -1) kernel::kill(state.rest, SIGKILL);
  kernel::exit(state.status);
}

// From now on the init waits for its children itself, and is told when they stop for a tracer.
void reap_oneself(State& state) {
  state.polled[kPidfd].fd = -1;
  kernel::set_signal_action(SIGCHLD, {}, nullptr);
  state.backlog = true;
}

// Sends as the application's user if there is no other way.
[[gnu::hot]] long send(const State& state, long target, int signal, const siginfo_t* info = nullptr) {
  const bool borrow = state.borrows_user && state.user >= 0;
  if (borrow) kernel::set_real_user(state.user);
  const long result = info != nullptr ? kernel::queue_signal(target, *info) : kernel::kill(target, signal);
  if (borrow) kernel::set_real_user(state.own_user);
  return result;
}

// The application has ended with `status`; by `signal` unless that is 0. Ends as it did: at once, or after
// what it leaves behind:
// - with -t, that is asked to end, and has so many seconds;
// - with -S, if the application was ended by a signal to which PID 1 would have been immune, what is left
//   gets that signal too. As PID 1 the application would still be there, and with it what it started.
// In a PID namespace of our own, what is left is everything. Outside of one that would be the whole machine,
// so there it is the application's process group. (Nobody else can have got its number so soon: the kernel
// hands numbers out in turn.)
[[gnu::noinline, gnu::cold]] void finish(State& state, int status, int signal) {
  if (state.options.verbosity > 0) say("ended with ", status);
  state.status = state.options.expected.contain(status) ? 0 : status;
  const int grace_s = state.options.grace_s;
  const bool follows =
      grace_s == kNoGrace && signal != 0 && (state.application.unhandled & set_of(signal)) != 0;
  if (!follows) {
    if (grace_s <= 0) end(state);
    const long now_ns = kernel::time_ns(CLOCK_MONOTONIC);
    if (now_ns < 0) end(state);
    state.deadline_ns = now_ns + grace_s * kNsPerSecond;
  }
  state.phase = follows ? Phase::following : Phase::grace;
  state.rest = state.self == 1 ? -1 : -state.application.pid;
  reap_oneself(state);
  send(state, state.rest, follows ? signal : SIGTERM);
  send(state, state.rest, SIGCONT);  // a stopped process takes no other signal
}

// --- signals -----------------------------------------------------------------------------------------------

// Whether a signal that reached the init is for the application. The kernel's own are too, such as a hang-up
// for a session's leader or an alarm set before exec, unless they went to a whole group that the application
// is in: then it has them already.
[[gnu::hot]] bool concerns(const State& state, const siginfo_t& info) {
  if (info.si_code > 0) {
    return info.si_signo != SIGCHLD && kernel::getpgid(state.application.pid) != kernel::getpgid(0);
  }
  // All others are sent by a process; but SIGPIPE or SIGXFSZ for our own write to stderr has our pid as its
  // sender.
  return info.si_code != SI_USER || info.si_pid != state.self;
}

[[gnu::hot]] void forward(State& state, siginfo_t& info) {
  if (state.options.verbosity > 1) say("got signal ", info.si_signo);
  const int from = info.si_signo;
  const int to = state.options.forwarded_as[from];
  if (to == SignalMap::kDropped) return;
  if (state.application.status_file >= 0) {
    Facts facts;
    if (read_facts(state.application.status_file, facts)) {
      state.user = facts.user;
      // The application has asked to be traced, and will wait for its tracer at its next signal.
      if (facts.tracer == state.self && state.kernel_reaps()) reap_oneself(state);
      if (state.options.shield && !passes_shield(state.application, state.options.stops, facts, from, to)) {
        return;
      }
    }
  }
  info.si_signo = to;
  const long target = state.target;
  if (info.si_code == SI_QUEUE && target > 0 && send(state, target, to, &info) == 0) return;
  // The group is gone if the application has joined another.
  if (send(state, target, to) == -ESRCH && target < 0) send(state, -target, to);
}

// Takes a signal when there is no application.
[[gnu::cold]] void take_alone(State& state, const siginfo_t& info) {
  const int signal = info.si_signo;
  if (state.phase == Phase::pausing) {
    if (signal == SIGTERM || signal == SIGINT) kernel::exit(0);
    return;
  }
  if (state.phase == Phase::grace) {
    if (signal == SIGTERM && state.asked_to_end) end(state);
    return;
  }
  const int to = state.options.forwarded_as[signal];
  if (info.si_code <= 0 && to != SignalMap::kDropped &&
      (state.options.stops & (set_of(signal) | set_of(to))) != 0) {
    send(state, state.rest, to);
  }
}

[[gnu::hot]] void take(State& state, siginfo_t& info) {
  const int signal = info.si_signo;
  if (state.phase != Phase::running) {
    take_alone(state, info);
  } else if (concerns(state, info)) {
    forward(state, info);
  }
  if (signal == SIGTERM) state.asked_to_end = true;
}

// --- where the init reaps ----------------------------------------------------------------------------------

// Reaps one child, waiting for it unless options say WNOHANG. Returns whether there was one.
[[gnu::hot]] bool reap(State& state, int options) {
  siginfo_t info;
  const long result = kernel::wait_for_any(&info, WEXITED | options);
  // No child is left. While the application runs that can only be if someone took its status; but an init
  // that waits for nobody would never end.
  if (result == -ECHILD && !state.kernel_reaps()) end(state);
  if (result < 0 || info.si_pid == 0) return false;
  if (info.si_code > CLD_DUMPED) {
    // The child has not ended. It has asked its parent to trace it (PTRACE_TRACEME), which we do not, and has
    // stopped at a signal. It gets that signal, unless it is the one that an exec raises for tracers alone
    // (ptrace(2)).
    const int signal = info.si_status & 0x7F;
    kernel::stop_tracing(info.si_pid, signal == SIGTRAP ? 0 : signal);
  } else if (info.si_pid == state.application.pid && state.phase == Phase::running) {
    const bool exited = info.si_code == CLD_EXITED;
    finish(state, exited ? info.si_status : 128 + info.si_status, exited ? 0 : info.si_status);
  } else if (state.options.warn_of_orphans || state.options.verbosity > 1) {
    say("reaped orphan ", info.si_pid);
  }
  return true;
}

[[gnu::hot]] void reap_batch(State& state) {
  state.backlog = true;
  for (int i = 0; i < kReapBatch; ++i) {
    if (!reap(state, WNOHANG)) {
      state.backlog = false;
      break;
    }
  }
  // Members of the group may be someone else's children.
  if (state.rest < -1 && kernel::kill(state.rest, 0) == -ESRCH) end(state);
}

// Waits until there is a signal, takes it, and reaps.
void wait_and_reap(State& state) {
  __kernel_timespec left;
  const __kernel_timespec* limit = state.backlog ? &kNow : nullptr;
  if (state.phase == Phase::grace) {
    const long left_ns = state.deadline_ns - kernel::time_ns(CLOCK_MONOTONIC);
    if (left_ns <= 0) end(state);
    left = {left_ns / kNsPerSecond, left_ns % kNsPerSecond};
    if (limit == nullptr) limit = &left;
  }
  siginfo_t info;
  const long signal = kernel::wait_for_signal(kernel::kEverySignal, &info, limit);
  if (signal > 0) take(state, info);
  if (state.phase == Phase::pausing) return;
  if (signal == SIGCHLD || state.backlog) reap_batch(state);
  // Signals cannot be had any more, but the application's status still can.
  if (signal < 0 && signal != -EAGAIN && signal != -EINTR) reap(state, 0);
}

// --- where the kernel reaps: Linux 6.15 --------------------------------------------------------------------
//
// While SIGCHLD is ignored, the kernel reaps children by itself and does not even wake their parent, so
// orphans cost nothing. The application's status is lost that way, but its pidfd still has it. The exception
// is a child that asked its parent to trace it: the kernel tells the tracer of its end, and leaves it to be
// reaped (exit_notify() in kernel/exit.c).

// Tries all that watch() needs, while the application, alive or not, cannot be reaped yet: afterwards nothing
// may fail, because its status would be lost. Linux 6.13 knows PIDFD_GET_INFO but keeps no status, and its
// answer for a live child is the same as that of 6.15. A seccomp profile can make a call do nothing and
// return 0: then PIDFD_GET_INFO leaves the mask as it was, and ppoll(2) does not notice a descriptor that is
// not open.
bool can_watch(State& state) {
  kernel::ProcessInfo info;
  if (kernel::process_info(state.polled[kPidfd].fd, &info) != 0 || (info.mask & kernel::kPidfdInfoPid) == 0 ||
      linux_version() < version_number(6, 15)) {
    return false;
  }
  state.polled[kSignalfd].fd = static_cast<int>(kernel::open_signals(kernel::kEverySignal));
  if (state.polled[kSignalfd].fd < 0) return false;
  pollfd none[2] = {{state.polled[kPidfd].fd, 0, 0}, {0x7FFFFFFF, 0, 0}};
  return kernel::poll(none, 2, &kNow) > 0 && none[1].revents == POLLNVAL;
}

void let_kernel_reap(State& state, bool tells_of_orphans) {
  if (tells_of_orphans || !can_watch(state) ||
      kernel::set_signal_action(SIGCHLD, {.handler = kernel::kIgnore}, nullptr) != 0) {
    kernel::close(state.polled[kPidfd].fd);
    kernel::close(state.polled[kSignalfd].fd);
    state.polled[kPidfd].fd = -1;
    return;
  }
  // Children that ended before are still there. One may be the application.
  while (reap(state, WNOHANG)) {
  }
}

// Waits until there is a signal or the application has ended, and takes it.
[[gnu::hot]] void watch(State& state) {
  const long ready = kernel::poll(state.polled, 2, nullptr);
  if (ready == -EINTR) return;
  // Of the pidfd only POLLHUP is awaited, which says that the application has been reaped. POLLIN would come
  // earlier, for a zombie whose end has been told to its tracer only.
  if (ready < 0 || state.polled[kPidfd].revents != 0) {
    kernel::ProcessInfo info;
    if (ready < 0 || kernel::process_info(state.polled[kPidfd].fd, &info) != 0 ||
        (info.mask & kernel::kPidfdInfoExit) == 0) {
      reap_oneself(state);
      return;
    }
    const int signal = info.exit_code & 0x7F;
    finish(state, signal != 0 ? 128 + signal : info.exit_code >> 8 & 0xFF, signal);
    return;
  }
  siginfo_t info;
  const long signal = kernel::wait_for_signal(kernel::kEverySignal, &info, &kNow);
  if (signal > 0) take(state, info);
  if (signal < 0 && signal != -EAGAIN && signal != -EINTR) state.polled[kSignalfd].fd = -1;  // out of reach
  // Sent for a child that the init traces; or for none, by a process.
  if (signal == SIGCHLD) {
    while (state.kernel_reaps() && reap(state, WNOHANG)) {
    }
  }
}

// --- the start ---------------------------------------------------------------------------------------------

// Gets ready for the rest of the application's life. From here on the init must not fail: if it ends, all
// that runs in the container is killed. No error below ends it.
[[gnu::noinline, gnu::cold]] void settle(void* context, const Spawned& child) {
  State& state = *static_cast<State*>(context);
  const Options& options = state.options;
  let_go(state.place, child.pidfd, options.verbosity > 0 || options.warn_of_orphans);
  if (child.pid > 0) {
    state.phase = Phase::running;
    state.application.pid = child.pid;
    state.target = options.forward_to_group ? -child.pid : child.pid;
    if (options.verbosity > 0) say("started ", child.pid);
    state.polled[kPidfd].fd = child.pidfd;
    if (state.kernel_reaps()) let_kernel_reap(state, options.warn_of_orphans || options.verbosity > 1);
    state.borrows_user = must_borrow_user();
    const bool shield = options.shield && state.self == 1;
    if (state.borrows_user || shield) {
      state.own_user = kernel::getuid();
      open_files(state.application, state.self, shield);
    }
  }
  if (options.sandbox) enter_sandbox();
}

const char* page_floor(const char* address, long page_size) {
  return address - (reinterpret_cast<std::uintptr_t>(address) & static_cast<unsigned long>(page_size - 1));
}

}  // namespace

bool can_serve() {
  siginfo_t info;
  if (kernel::wait_for_signal(0, &info, &kNow) != -EAGAIN) return false;
  const long children = kernel::wait_for_any(&info, WEXITED | WNOHANG | WNOWAIT);
  return children == 0 || children == -ECHILD;
}

[[gnu::hot, gnu::noinline]] void serve(const Options& options, const Program* program, const Place& place,
                                       const char* strings, long page_size) {
  State state = {.options = options, .place = place, .self = kernel::getpid()};
  if (program == nullptr) {
    settle(&state, {});
  } else {
    // Until the sandbox stands, the application could have PID 1 execute something else (ptrace(2)). An exec
    // makes the application dumpable again.
    kernel::set_dumpable(false);
    if (spawn(*program, place, settle, &state) < 0) return;
  }

  // Gives back what only the start needed: its stack, from above this page up to the strings; the child's,
  // below this page; and the code.
  const char* const page = page_floor(reinterpret_cast<const char*>(&state), page_size);
  kernel::discard(page + page_size, page_floor(strings, page_size));
  kernel::discard(page - kStartPages * page_size, page);
  kernel::discard(__ehdr_start + page_size, _end);

  while (state.kernel_reaps()) watch(state);
  for (;;) wait_and_reap(state);
}

}  // namespace runi
