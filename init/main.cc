// runi-init, the PID 1 of a container: starts one program, passes on to it every signal that a process sends,
// reaps what is orphaned, and ends as the program ends.

#include "kernel.h"
#include "options.h"
#include "report.h"
#include "start.h"
#include "text.h"

// The linker's: where the file's image lies in memory.
extern "C" const char __ehdr_start[];  // NOLINT(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" const char _end[];          // NOLINT(bugprone-reserved-identifier,readability-identifier-naming)

namespace runi {
namespace {

constexpr int kExitInitError = 125;  // our own, as docker's
constexpr int kReapBatch = 64;       // orphans reaped before the signals get their turn
constexpr long kStartPages = 16;     // more stack than the start can have used

// dockerd looks for tini's two words before the number (parseInitVersion() in moby's daemon/info_unix.go).
constexpr char kVersion[] = "tini version " RUNI_VERSION " (runi-init)\n";
constexpr char kHelp[] =
    "Usage: runi-init [options] [--] command [args]\n"
    "Runs command, forwards signals to it, reaps orphans, and exits as it does.\n"
    "  -g         forward to the command's whole process group\n"
    "  -s         reap orphans also when not PID 1\n"
    "  -v         for tini's sake: nothing\n"
    "  -h, --help, --version\n"
    "Exits with the command's code, or 128 + the signal that killed it;\n"
    "127 command not found, 126 not executable, 125 wrong use.\n";

// --- at rest
// ------------------------------------------------------------------------------------------------
//
// What is resident while the application runs; hot, which has the linker put it on the file's first page.

// What the init needs to know when the application runs.
struct Watch {
  long target;      // the application's pid, negative where its whole group gets the signals
  char* stack;      // the end of the stack to go on with
  char* arguments;  // the lowest of the strings that /proc/1/cmdline and environ show
  long page_size;
};

char* page_floor(char* address, long page_size) {
  return address - reinterpret_cast<std::uintptr_t>(address) % static_cast<unsigned long>(page_size);
}

// Whether a signal that reached the init is for the application. The kernel's own are too, such as a hang-up
// that it tells a session's leader or an alarm set before exec, unless they went to the whole of a group that
// the application is in: then it has them.
[[gnu::hot]] bool concerns(long application, const siginfo_t& info) {
  if (info.si_code <= 0) return true;  // sent by a process
  return info.si_signo != SIGCHLD && kernel::getpgid(application) != kernel::getpgid(0);
}

[[gnu::hot]] void forward(long target, const siginfo_t& info) {
  if (info.si_code == SI_QUEUE && target > 0 && kernel::queue_signal(target, info) == 0) return;
  // A group may be gone because the application joined another.
  if (kernel::kill(target, info.si_signo) == -ESRCH && target < 0) kernel::kill(-target, info.si_signo);
}

// Reaps one child, waiting for it unless options say WNOHANG. Returns whether there was one; does not return
// where that was the application.
[[gnu::hot]] bool reap(long application, int options) {
  siginfo_t info;
  const long result = kernel::wait_for_any(&info, WEXITED | options);
  // Nothing left to wait for, so the application has ended too and someone took its status. None of the
  // calls made here could; but an init that waits for nobody would never end.
  if (result == -ECHILD) kernel::exit(kExitInitError);
  if (result < 0 || info.si_pid == 0) return false;
  if (info.si_pid == application) {
    kernel::exit(info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
  }
  return true;
}

// Returns whether there may be more.
[[gnu::hot]] bool reap_batch(long application) {
  for (int i = 0; i < kReapBatch; ++i) {
    if (!reap(application, WNOHANG)) return false;
  }
  return true;
}

[[gnu::hot]] void serve(const void* argument) {
  const Watch watch = *static_cast<const Watch*>(argument);
  const long target = watch.target;
  const long application = target < 0 ? -target : target;

  // Whatever the start left behind: its stack above (where `argument` was) up to the strings, the child's
  // below the page that this function needs, and the code.
  kernel::discard(watch.stack, page_floor(watch.arguments, watch.page_size));
  kernel::discard(watch.stack - kStartPages * watch.page_size, watch.stack - watch.page_size);
  kernel::discard(__ehdr_start + watch.page_size, _end);

  constexpr __kernel_timespec kNow = {};
  bool backlog = false;
  for (;;) {
    siginfo_t info;
    const long signal = kernel::wait_for_signal(kernel::kEverySignal, &info, backlog ? &kNow : nullptr);
    if (signal > 0 && concerns(application, info)) forward(target, info);
    if (signal == SIGCHLD || backlog) backlog = reap_batch(application);
    // Denied after all: no signals any more, but still the application's status.
    if (signal < 0 && signal != -EAGAIN && signal != -EINTR) reap(application, 0);
  }
}

// --- the start ---------------------------------------------------------------------------------------------

// Whether the two calls that an init's life is made of work here; a seccomp profile may deny them.
bool can_watch() {
  constexpr __kernel_timespec kNow = {};
  siginfo_t info;
  if (kernel::wait_for_signal(0, &info, &kNow) != -EAGAIN) return false;
  const long children = kernel::wait_for_any(&info, WEXITED | WNOHANG | WNOWAIT);
  return children == 0 || children == -ECHILD;
}

// Whether a child would not have the scheduling policy that the container was given (sched(7)).
bool is_policy_reset_on_fork() {
  const long policy = kernel::scheduling_policy();
  return policy > 0 && (policy & SCHED_RESET_ON_FORK) != 0;
}

// Closes what /proc lists. Returns whether it could be read to its end.
bool close_listed() {
  alignas(8) char buffer[1024];
  const long directory = kernel::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  long size = 0;
  while ((size = kernel::getdents64(directory, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const kernel::DirectoryEntry*>(buffer + at);
      long fd = 0;
      for (const char* digit = entry->name; *digit >= '0' && *digit <= '9'; ++digit) {
        fd = fd * 10 + (*digit - '0');
      }
      if (fd > 2 && fd != directory) kernel::close(fd);
      at += entry->size;
    }
  }
  kernel::close(directory);
  return size == 0;
}

// Closes every descriptor from 3 on: without close_range(2) (before Linux 5.9, or denied) one by one, and
// without /proc as far as is affordable.
void close_files() {
  if (kernel::close_range(3, ~0U) == 0 || close_listed()) return;
  constexpr unsigned long kMost = 65536;
  rlimit64 limit = {kMost, kMost};
  kernel::get_limit(RLIMIT_NOFILE, &limit);
  const long end = static_cast<long>(limit.rlim_cur < kMost ? limit.rlim_cur : kMost);
  for (long fd = 3; fd < end; ++fd) kernel::close(fd);
}

// Lets go of everything that would outlive its use in a process that runs as long as the container: files,
// locks and pipes behind descriptors, the mount below the working directory. 0, 1 and 2 stay, because
// programs write to /proc/1/fd/1.
void let_go(const Place& place) {
  if (place.opened) kernel::close(place.terminal);
  close_files();
  kernel::chdir("/");
}

[[noreturn]] void answer(const Options& options) {
  if (options.request == Request::refuse) {
    if (options.wrong != nullptr) {
      report({options.wrong, ": ", options.complaint});
    } else {
      report({options.complaint});
    }
    kernel::exit(kExitInitError);
  }
  const bool help = options.request == Request::help;
  const iovec text = {const_cast<char*>(help ? kHelp : kVersion),
                      (help ? sizeof kHelp : sizeof kVersion) - 1};
  kernel::writev(1, &text, 1);
  kernel::exit(0);
}

// The size of a page, which the auxiliary vector behind the environment tells (getauxval(3), AT_PAGESZ).
long find_page_size(const char* const* environment) {
  while (*environment != nullptr) ++environment;
  const auto* entry = reinterpret_cast<const unsigned long*>(environment + 1);
  for (; entry[0] != AT_NULL; entry += 2) {
    if (entry[0] == AT_PAGESZ) return static_cast<long>(entry[1]);
  }
  return 65536;  // the largest there is, and a multiple of all others
}

}  // namespace

// `stack` is what the kernel left on it: argc, argv, null, environment, null, auxiliary vector.
extern "C" [[noreturn]] void runi_start(char** stack) {
  Program program;
  // Before anything else, because until then the kernel drops what is sent to a PID 1 without handlers.
  const bool blocked = kernel::set_signal_mask(kernel::kEverySignal, &program.signal_mask) == 0;

  char** const args = stack + 1;
  const char** const environment =
      const_cast<const char**>(args) + reinterpret_cast<std::uintptr_t>(*stack) + 1;
  const Options options = parse_options(args);
  if (options.request != Request::run) answer(options);
  program.args = options.command;
  program.environment = environment;

  // Inherited as ignored it would have the kernel reap the application, and its status be lost.
  const bool notified =
      kernel::set_signal_action(SIGCHLD, {.flags = SA_NOCLDSTOP}, &program.on_child_signal) == 0;
  if (!blocked || !notified || !can_watch() || is_policy_reset_on_fork()) execute(program);

  const long page_size = find_page_size(environment);
  if (options.subreaper) kernel::set_subreaper(true);
  const Place place = prepare_place();
  const long application = spawn(program, place);
  if (application < 0) {
    // No process to be had (a limit, a seccomp profile): then without an init.
    take_back(place);
    if (options.subreaper) kernel::set_subreaper(false);
    execute(program);
  }

  // From here on the init must not fail: if it ends, all that runs in the container is killed. Nothing below
  // has an error that ends it.
  let_go(place);
  Watch watch = {.target = options.forward_to_group ? -application : application,
                 .stack = nullptr,
                 .arguments = args[0],
                 .page_size = page_size};
  watch.stack = page_floor(reinterpret_cast<char*>(&watch), watch.page_size);
  kernel::runi_continue_on(watch.stack, serve, &watch);
}

}  // namespace runi
