#include "serve.h"

#include "report.h"
#include "sandbox.h"
#include "text.h"

// The linker's: where the file's image lies in memory.
extern "C" const char __ehdr_start[];  // NOLINT(readability-identifier-naming)
extern "C" const char _end[];          // NOLINT(readability-identifier-naming)

// What is resident while the application runs is marked hot, which has the linker put it on the file's first
// page.

namespace runi {
namespace {

constexpr int kReapBatch = 64;    // orphans reaped before the signals get their turn
constexpr long kStartPages = 16;  // more stack than the start can have used

constexpr __kernel_timespec kNow = {};

// The init's state. Its addressees: the application, and what the application leaves behind.
struct State {
  const Options& options;
  long application;             // 0 in pause mode, and when it has ended
  long target;                  // of forwarded signals: the application, or minus that for its whole group
  long rest = 0;                // of the last signals, as kill(2) takes it; 0 until the application has ended
  int status = kExitInitError;  // to end with when there is nothing left to wait for
  bool backlog = false;         // more may be ready to be reaped
  bool asked_to_end = false;    // by a SIGTERM
  // What to wait for, where the kernel reaps (see let_kernel_reap): the application's pidfd, and one for
  // signals.
  pollfd files[2] = {{-1, 0, 0}, {-1, POLLIN, 0}};

  [[nodiscard]] bool kernel_reaps() const { return files[0].fd >= 0; }
};

// Where stderr takes nothing now, because nobody reads what is there, the line is lost: signals must not wait
// for it.
[[gnu::noinline, gnu::cold]] void say(const char* text, long number) {
  pollfd file = {2, POLLOUT, 0};
  if (kernel::poll(&file, 1, &kNow) == 0) return;
  Numbered line;
  report(line.set(text, static_cast<std::uint64_t>(number)));
}

// Ends. The kernel kills what is left of a PID namespace when its PID 1 ends, so that for that there is
// nothing to be done.
[[noreturn]] void end(const State& state) {
  if (state.rest < -1) kernel::kill(state.rest, SIGKILL);
  kernel::exit(state.status);
}

// From now on children are waited for.
void reap_oneself(State& state) {
  state.files[0].fd = -1;
  kernel::set_signal_action(SIGCHLD, {.flags = SA_NOCLDSTOP}, nullptr);
  state.backlog = true;
}

// The application has ended. Ends as it did; with -t, after those it leaves behind, who are asked to end: as
// PID 1, all there are in the namespace, and otherwise, because that would be the whole machine, those of the
// application's process group (whose number nobody else can have got in this moment, for the kernel hands
// them out in turn).
[[gnu::noinline, gnu::cold]] void finish(State& state, int status) {
  if (state.options.verbosity > 0) say("ended with ", status);
  state.status = state.options.expected.contain(status) ? 0 : status;
  state.rest = kernel::getpid() == 1 ? -1 : -state.application;
  if (state.options.grace_s == 0 || kernel::set_alarm(state.options.grace_s) < 0) end(state);
  state.application = 0;
  reap_oneself(state);
  kernel::kill(state.rest, SIGTERM);
  kernel::kill(state.rest, SIGCONT);  // what is stopped takes no other signal
}

const char* page_floor(const char* address, long page_size) {
  return address - (reinterpret_cast<std::uintptr_t>(address) & static_cast<unsigned long>(page_size - 1));
}

// --- where the kernel reaps: Linux 6.15
// ------------------------------------------------------------------------
//
// While SIGCHLD is ignored, the kernel reaps children by itself, without so much as waking their parent:
// orphans cost nothing. The application's status, which is lost that way, is still to be had from its pidfd.

// Tries what watching takes, while the application, alive or not, is not reaped: afterwards nothing may fail,
// for its status could not be had any more. Linux 6.13 knows PIDFD_GET_INFO, but keeps no status, and a live
// child's answer does not tell it from 6.15.
bool can_watch(State& state) {
  kernel::ProcessInfo info;
  new_utsname name;
  if (kernel::process_info(state.files[0].fd, &info) != 0 || kernel::kernel_name(&name) != 0) return false;
  const char* release = name.release;
  const int major = read_number(release, 999);
  if (*release != '.' || major < 6) return false;
  ++release;
  if (major == 6 && read_number(release, 999) < 15) return false;
  state.files[1].fd = static_cast<int>(kernel::open_signals(kernel::kEverySignal));
  return state.files[1].fd >= 0 && kernel::poll(state.files, 2, &kNow) >= 0;
}

bool reap(State& state, int options);

void let_kernel_reap(State& state, bool counts_orphans) {
  if (counts_orphans || !can_watch(state) ||
      kernel::set_signal_action(SIGCHLD, {.handler = kernel::kIgnore}, nullptr) != 0) {
    kernel::close(state.files[0].fd);
    kernel::close(state.files[1].fd);
    state.files[0].fd = -1;
    return;
  }
  // Who ended before is still there, and may be the application.
  while (reap(state, WNOHANG)) {
  }
}

// Waits until there is a signal or the application has ended.
[[gnu::hot]] void watch(State& state) {
  const long ready = kernel::poll(state.files, 2, nullptr);
  // Nothing is asked of the pidfd but what poll always tells: that the application has been reaped (POLLHUP).
  // That it is a zombie is told to its tracer first, if it has one.
  if (ready >= 0 && state.files[0].revents == 0) return;
  kernel::ProcessInfo info;
  if (ready == -EINTR) return;
  if (ready < 0 || kernel::process_info(state.files[0].fd, &info) != 0 ||
      (info.mask & kernel::kPidfdInfoExit) == 0) {
    reap_oneself(state);
    return;
  }
  const int signal = info.exit_code & 0x7F;
  finish(state, signal != 0 ? 128 + signal : info.exit_code >> 8 & 0xFF);
}

// --- the rest
// ---------------------------------------------------------------------------------------------------

// Whether a signal that reached the init is for the application. The kernel's own are too, such as a hang-up
// that it tells a session's leader or an alarm set before exec, unless they went to the whole of a group that
// the application is in: then it has them.
[[gnu::hot]] bool concerns(long application, const siginfo_t& info) {
  if (info.si_code > 0) {
    return info.si_signo != SIGCHLD && kernel::getpgid(application) != kernel::getpgid(0);
  }
  // Sent by a process; but to whom nobody listens at the other end of stderr, the kernel tells it in his own
  // name.
  return info.si_signo != SIGPIPE || info.si_code != SI_USER || info.si_pid != kernel::getpid();
}

[[gnu::hot]] void forward(const State& state, siginfo_t& info) {
  if (state.options.verbosity > 1) say("got signal ", info.si_signo);
  info.si_signo = state.options.forwarded_as[info.si_signo];
  if (info.si_signo == SignalMap::kDropped) return;
  const long target = state.target;
  if (info.si_code == SI_QUEUE && target > 0 && kernel::queue_signal(target, info) == 0) return;
  // A group may be gone because the application joined another.
  if (kernel::kill(target, info.si_signo) == -ESRCH && target < 0) kernel::kill(-target, info.si_signo);
}

// A signal when there is no application.
void take_alone(State& state, const siginfo_t& info) {
  if (state.rest == 0) {
    if (info.si_signo == SIGTERM || info.si_signo == SIGINT) kernel::exit(0);
    return;
  }
  const bool time_is_over = info.si_signo == SIGALRM && info.si_code > 0;
  const bool hurry = info.si_signo == SIGTERM && state.asked_to_end;
  if (time_is_over || hurry) end(state);
}

[[gnu::hot]] void take(State& state, siginfo_t& info) {
  if (state.application == 0) {
    take_alone(state, info);
  } else if (concerns(state.application, info)) {
    forward(state, info);
  }
  if (info.si_signo == SIGTERM) state.asked_to_end = true;
}

// Reaps one child, waiting for it unless options say WNOHANG. Returns whether there was one.
[[gnu::hot]] bool reap(State& state, int options) {
  siginfo_t info;
  const long result = kernel::wait_for_any(&info, WEXITED | options);
  // Nothing is left to wait for. While the application runs that cannot be, unless someone took its status;
  // but an init that waits for nobody would never end.
  if (result == -ECHILD && !state.kernel_reaps()) end(state);
  if (result < 0 || info.si_pid == 0) return false;
  if (info.si_pid == state.application) {
    finish(state, info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
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
  // Of what the group was, others may be the parents.
  if (state.rest < -1 && kernel::kill(state.rest, 0) == -ESRCH) end(state);
}

}  // namespace

bool can_serve() {
  siginfo_t info;
  if (kernel::wait_for_signal(0, &info, &kNow) != -EAGAIN) return false;
  const long children = kernel::wait_for_any(&info, WEXITED | WNOHANG | WNOWAIT);
  return children == 0 || children == -ECHILD;
}

[[gnu::hot, gnu::noinline]] void serve(const Options& options, const Spawned& application,
                                       const char* strings, long page_size) {
  State state = {.options = options,
                 .application = application.pid,
                 .target = options.forward_to_group ? -application.pid : application.pid};
  if (options.verbosity > 0 && application.pid > 0) say("started ", application.pid);
  const bool counts_orphans = options.warn_of_orphans || options.verbosity > 1;
  state.files[0].fd = application.pidfd;
  if (state.kernel_reaps()) let_kernel_reap(state, counts_orphans);
  if (options.sandbox) enter_sandbox();

  // Whatever the start left behind: its stack above this page up to the strings, the child's below it, and
  // the code.
  const char* const page = page_floor(reinterpret_cast<const char*>(&state), page_size);
  kernel::discard(page + page_size, page_floor(strings, page_size));
  kernel::discard(page - kStartPages * page_size, page);
  kernel::discard(__ehdr_start + page_size, _end);

  for (;;) {
    const bool watches = state.kernel_reaps();
    if (watches) watch(state);
    siginfo_t info;
    const long signal =
        kernel::wait_for_signal(kernel::kEverySignal, &info, watches || state.backlog ? &kNow : nullptr);
    if (signal > 0) take(state, info);
    const bool denied = signal < 0 && signal != -EAGAIN && signal != -EINTR;
    if (denied) state.files[1].fd = -1;
    if (application.pid == 0 || state.kernel_reaps()) continue;
    if (signal == SIGCHLD || state.backlog) reap_batch(state);
    // No signals any more, but still the application's status.
    if (denied) reap(state, 0);
  }
}

}  // namespace runi
