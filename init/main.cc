// runi-init, the PID 1 of a container: starts one program, passes on to it every signal that a process sends,
// reaps what is orphaned, and ends as the program ends.

#include "kernel.h"
#include "options.h"
#include "report.h"
#include "serve.h"
#include "start.h"
#include "text.h"

namespace runi {
namespace {

// dockerd looks for tini's two words before the number (parseInitVersion() in moby's daemon/info_unix.go).
constexpr char kVersion[] = "tini version " RUNI_VERSION " - git.runi-init\n";
constexpr char kLicence[] = "Apache-2.0\n";
constexpr char kHelp[] =
    "Usage: runi-init [options] [--] command [args]\n"
    "-e CODE\t\texit 0 for CODE\n"
    "-g\t\tsignal command's group\n"
    "-l\t\tlicence\n"
    "-n\t\tno sandbox\n"
    "-p SIG\t\tSIG when parent ends\n"
    "-P\t\tonly reap\n"
    "-r FROM:TO\tforward FROM as TO; 0: not\n"
    "-s\t\tsubreaper\n"
    "-t SECONDS\tgrace for what command leaves\n"
    "-v\t\tverbose\n"
    "-w\t\twarn of orphans\n"
    "-h, --version\n";

// Whether a child would not have the scheduling policy that the container was given (sched(7)).
bool is_policy_reset_on_fork() {
  const long policy = kernel::scheduling_policy();
  return policy > 0 && (policy & SCHED_RESET_ON_FORK) != 0;
}

constexpr int kUsualLimit = 1024;    // RLIMIT_NOFILE as most programs have it
constexpr int kMostFiles = 1 << 27;  // more than fs.nr_open can be (sysctl_nr_open_max in fs/file.c)

// Closes what /proc lists from 3 on, but not keep. Returns whether it could be read to its end.
bool close_listed(long keep) {
  alignas(8) char buffer[1024];
  const long directory = kernel::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  long size = 0;
  while ((size = kernel::getdents64(directory, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const kernel::DirectoryEntry*>(buffer + at);
      const char* name = entry->name;
      const int fd = read_number(name, kMostFiles);
      if (fd > 2 && fd != directory && fd != keep) kernel::close(fd);
      at += entry->size;
    }
  }
  kernel::close(directory);
  return size == 0;
}

// Closes every descriptor from 3 on but keep: without close_range(2) (before Linux 5.9, or denied) one by
// one, and without /proc as far as is affordable.
void close_files(int keep) {
  const unsigned kept = keep < 3 ? 2 : static_cast<unsigned>(keep);
  if ((kept <= 3 || kernel::close_range(3, kept - 1) == 0) && kernel::close_range(kept + 1, ~0U) == 0) return;
  if (close_listed(keep)) return;
  for (int fd = 3; fd < kUsualLimit; ++fd) {
    if (fd != keep) kernel::close(fd);
  }
}

// Lets go of everything that would outlive its use in a process that runs as long as the container: files,
// locks and pipes behind descriptors, the mount below the working directory. 0, 1 and 2 stay, because
// programs write to /proc/1/fd/1; so does pidfd.
void let_go(const Place& place, int pidfd) {
  if (place.opened) kernel::close(place.terminal);
  close_files(pidfd);
  kernel::chdir("/");
}

[[noreturn]] void answer(const Options& options) {
  if (options.request == Request::refuse) {
    if (options.wrong != nullptr) {
      report(options.wrong, ": ", options.complaint);
    } else {
      report(options.complaint);
    }
    kernel::exit(kExitInitError);
  }
  iovec text = {};
  const auto print = [&text](const char* what) {
    text = {const_cast<char*>(what), length_of(what)};
    kernel::writev(1, &text, 1);
    kernel::exit(0);
  };
  if (options.request == Request::version) print(kVersion);
  if (options.request == Request::licence) print(kLicence);
  print(kHelp);
  kernel::exit(0);
}

// What the auxiliary vector behind the environment tells (getauxval(3)).
struct Auxiliary {
  long page_size = 65536;     // the largest there is, and a multiple of all others
  bool gains_rights = false;  // whether the file's mode gives it an owner's or a group's rights
};

Auxiliary read_auxiliary(const char* const* environment) {
  while (*environment != nullptr) ++environment;
  const auto* entry = reinterpret_cast<const unsigned long*>(environment + 1);
  Auxiliary auxiliary;
  // Real and effective, so that each pair cancels itself out. AT_SECURE tells of more than these.
  unsigned long users = 0;
  unsigned long groups = 0;
  for (; entry[0] != AT_NULL; entry += 2) {
    if (entry[0] == AT_PAGESZ) auxiliary.page_size = static_cast<long>(entry[1]);
    if (entry[0] == AT_UID || entry[0] == AT_EUID) users ^= entry[1];
    if (entry[0] == AT_GID || entry[0] == AT_EGID) groups ^= entry[1];
  }
  auxiliary.gains_rights = (users | groups) != 0;
  return auxiliary;
}

}  // namespace

// `stack` is what the kernel left on it: argc, argv, null, environment, null, auxiliary vector.
extern "C" [[noreturn, gnu::used]] void runi_start(char** stack) {
  Program program;
  // Before anything else, because until then the kernel drops what is sent to a PID 1 without handlers.
  const bool blocked = kernel::set_signal_mask(kernel::kEverySignal, &program.signal_mask) == 0;

  const char** const args = const_cast<const char**>(stack) + 1;
  const char** const environment = args + reinterpret_cast<std::uintptr_t>(*stack) + 1;
  const Auxiliary auxiliary = read_auxiliary(environment);
  // It runs whatever it is told to; who can change the mode of a file may not make it a way to its owner.
  if (auxiliary.gains_rights) {
    report("set-user-ID or set-group-ID");
    kernel::exit(kExitInitError);
  }
  const Options options = parse_options(args);
  const bool pause = options.request == Request::pause;
  if (options.request != Request::run && !pause) answer(options);
  // Inherited as ignored it would have the kernel reap the application, and its status be lost. Where there
  // is none, that is what is wanted.
  const kernel::SignalAction on_child_signal = {.handler = pause ? kernel::kIgnore : nullptr,
                                                .flags = SA_NOCLDSTOP};
  const bool notified = kernel::set_signal_action(SIGCHLD, on_child_signal, &program.on_child_signal) == 0;
  const bool can_be_init = blocked && notified && can_serve();
  if (options.on_parents_death != 0) kernel::set_parent_death_signal(options.on_parents_death);

  if (pause && !can_be_init) {
    report("cannot pause here");
    kernel::exit(kExitInitError);
  }
  Place place;
  Spawned application;
  if (!pause) {
    program.args = options.command;
    program.environment = environment;
    if (!can_be_init || is_policy_reset_on_fork()) execute(program);
    // What -t waits for has to come to the init.
    const bool subreaper = options.subreaper || options.grace_s > 0;
    if (subreaper) kernel::set_subreaper(true);
    place = prepare_place();
    application = spawn(program, place);
    if (application.pid < 0) {
      // No process to be had (a limit, a seccomp profile): then without an init.
      take_back(place);
      if (subreaper) kernel::set_subreaper(false);
      execute(program);
    }
  } else if (options.subreaper) {
    kernel::set_subreaper(true);
  }

  // From here on the init must not fail: if it ends, all that runs in the container is killed. Nothing below
  // has an error that ends it.
  let_go(place, application.pidfd);
  serve(options, application, args[0], auxiliary.page_size);
}

}  // namespace runi
