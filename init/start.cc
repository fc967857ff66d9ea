#include "start.h"

#include "report.h"
#include "text.h"

namespace runi {
namespace {

constexpr int kExitCannotExecute = 126;  // what shells, docker and tini answer with
constexpr int kExitNotFound = 127;

// Used if PATH is unset: what engines give to an image without a PATH.
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Twice what a child's functions take of its stack, apart from the path that execute() makes.
constexpr std::size_t kChildStackBytes = 1280;

// Container runtimes use up some numbers of a new PID namespace, and how many varies from start to start:
// runc 4 to 8, for its threads, crun none. The application gets the next multiple of kRound, or the
// namespace's second number, so that a PID file in a volume, left from when it was last killed, has its own
// number.
constexpr int kRound = 12;

constexpr bool is_steady(long pid) {
  return pid == 2 || pid % kRound == 0;
}

const char* find_path(const char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    if (const char* path = after(*environment, "PATH=")) return path;
  }
  return kDefaultPath;
}

bool contains(const char* text, char wanted) {
  while (*text != wanted && *text != '\0') ++text;
  return *text != '\0';
}

// Whether after this failure the search goes on in PATH's next directory, as in execvp(3) and glibc's
// posix/execvpe.c.
bool concerns_this_file_only(long result) {
  switch (result) {
    case -ENOENT:
    case -ENOTDIR:
    case -EACCES:
    case -ENODEV:
    case -ETIMEDOUT:
    case -ESTALE:
    case -ENAMETOOLONG: return true;
    default: return false;
  }
}

char* copy(char* to, const char* from, std::size_t length) {
  for (; length != 0; --length) *to++ = *from++;
  return to;
}

// Room for the longest path that search_and_execute() makes. No more than that, because the stack's limit may
// be a few pages (RLIMIT_STACK).
[[gnu::noinline]] std::size_t candidate_bytes(const Program& program) {
  const std::size_t bytes = length_of(find_path(program.environment)) + 1 + length_of(program.args[0]) + 1;
  return bytes < PATH_MAX ? bytes : PATH_MAX;
}

// Executes the program. Returns only if that fails: -errno. Unlike execvp(3), never hands a file that the
// kernel does not recognise to a shell, as no container runtime does.
long search_and_execute(const Program& program) {
  const char* const name = program.args[0];
  if (contains(name, '/')) return kernel::execve(name, program.args, program.environment);
  if (*name == '\0') return -ENOENT;

  bool denied = false;
  const char* path = find_path(program.environment);
  const std::size_t name_length = length_of(name);
  const std::size_t size = candidate_bytes(program);
  auto* const candidate = static_cast<char*>(__builtin_alloca(size));
  for (;; ++path) {
    std::size_t length = 0;
    while (path[length] != ':' && path[length] != '\0') ++length;
    long result = -ENAMETOOLONG;
    if (length + 1 + name_length < size) {
      char* end = copy(candidate, path, length);
      if (length != 0) *end++ = '/';  // else it is the working directory
      copy(end, name, name_length + 1);
      result = kernel::execve(candidate, program.args, program.environment);
    }
    if (result == -EACCES) denied = true;
    if (!concerns_this_file_only(result)) return result;
    path += length;
    if (*path == '\0') return denied ? -EACCES : result;
  }
}

// Whether fd is our controlling terminal, and open for reading: otherwise it could not be taken again
// (tiocgsid() and tiocsctty() in drivers/tty/tty_jobctrl.c).
bool is_controlling_terminal(int fd, long session) {
  int terminals_session = 0;
  return kernel::ioctl(fd, TIOCGSID, &terminals_session) == 0 && terminals_session == session &&
         (kernel::status_flags(fd) & O_ACCMODE) != O_WRONLY;
}

void take_place(const Place& place) {
  if (place.kind == Place::Kind::own_session) {
    kernel::setsid();
    // The session's first terminal comes with its foreground (__proc_set_tty() in tty_jobctrl.c).
    if (place.terminal >= 0) kernel::ioctl(place.terminal, TIOCSCTTY, 0L);
  } else {
    kernel::own_group();
    // Not taken for granted: a foreground group without members would swallow Ctrl-C.
    int group = static_cast<int>(kernel::getpgid(0));
    // Done from the background, but with SIGTTOU blocked it does not stop us (tcsetpgrp(3)).
    if (place.terminal >= 0) kernel::ioctl(place.terminal, TIOCSPGRP, &group);
  }
}

// A number that no other process ever has: the pidfd's inode, since Linux 6.9 (fs/pidfs.c). 0 if it cannot be
// had.
std::uint64_t unique_id(long pid) {
  struct stat status;
  const long fd = kernel::open_process(pid);
  return fd >= 0 && kernel::status(fd, &status) == 0 ? status.st_ino : 0;
}

// What systemd or a container runtime addressed to the init by its number is meant for the application
// (sd_listen_fds(3), sd_watchdog_enabled(3)). Changes the vector, which PID 1 may share but does not read
// again.
class Addressee {
 public:
  void correct(const char** environment) {
    constexpr const char* kListenPidfdId = "LISTEN_PIDFDID=";
    const char** id = nullptr;
    bool listens = false;
    for (; *environment != nullptr; ++environment) {
      if (correct_pid(*environment, "LISTEN_PID=", listen_pid_)) listens = true;
      correct_pid(*environment, "WATCHDOG_PID=", watchdog_pid_);
      if (after(*environment, kListenPidfdId) != nullptr) id = environment;
    }
    if (!listens || id == nullptr) return;
    const std::uint64_t own = unique_id(kernel::getpid());
    if (own == 0) {
      // Without this variable only the pid is checked.
      for (; *id != nullptr; ++id) id[0] = id[1];
    } else if (equal(*id, listen_pidfd_id_.set(kListenPidfdId, unique_id(kernel::getppid())))) {
      *id = listen_pidfd_id_.set(kListenPidfdId, own);
    }
  }

 private:
  static bool correct_pid(const char*& variable, const char* prefix, Numbered& corrected) {
    if (after(variable, prefix) == nullptr) return false;
    const long init = kernel::getppid();
    const long own = kernel::getpid();
    if (init <= 0 || own <= 0) return false;
    if (!equal(variable, corrected.set(prefix, static_cast<std::uint64_t>(init)))) return false;
    variable = corrected.set(prefix, static_cast<std::uint64_t>(own));
    return true;
  }

  Numbered listen_pid_;
  Numbered watchdog_pid_;
  Numbered listen_pidfd_id_;
};

// What a child that shares memory with PID 1 is told to do next.
enum Step : int {
  wait,     // for the next step
  miss,     // end, and leave the next number to another
  prepare,  // take its place, and wait again
  go,       // execute the program
};

// Waits while the word, which another process writes, has this value. Returns its next value. Most waits are
// shorter than a sleep would be.
int wait_while(const int& word, int value) {
  constexpr int kMostYields = 200;
  constexpr __kernel_timespec kPause = {0, 100'000};
  int found = value;
  for (int tries = 0; (found = __atomic_load_n(&word, __ATOMIC_ACQUIRE)) == value; ++tries) {
    siginfo_t none;
    if (tries < kMostYields) {
      kernel::yield();
    } else {
      kernel::wait_for_signal(0, &none, &kPause);
    }
  }
  return found;
}

void tell(int& word, Step step) {
  __atomic_store_n(&word, step, __ATOMIC_RELEASE);
}

struct Child {
  const Program& program;
  const Place& place;
  int step = Step::wait;
};

// The child's life until it is the application. It may or may not share memory with PID 1.
void live(const void* child) {
  const Child& self = *static_cast<const Child*>(child);
  if (wait_while(self.step, Step::wait) == Step::miss) kernel::exit(0);
  take_place(self.place);
  Addressee addressee;
  addressee.correct(self.program.environment);
  wait_while(self.step, Step::prepare);
  execute(self.program);
}

// Waits until a child that missed no longer uses its stack, and reaps it: the container's limit of processes
// may leave room for one only. Returns whether it is gone.
bool reap_missed(const Spawned& missed) {
  wait_while(missed.shares_memory, 1);
  kernel::close(missed.pidfd);
  siginfo_t info;
  do {
    if (kernel::wait_for_any(&info, WEXITED) != 0 || info.si_pid == 0) return false;
  } while (info.si_pid != missed.pid);  // else it was there before
  return true;
}

}  // namespace

Place prepare_place() {
  Place place;
  const long session = kernel::getsid();
  const bool leader = session > 0 && session == kernel::getpid();

  for (int fd = 0; fd <= 2 && place.terminal < 0; ++fd) {
    if (is_controlling_terminal(fd, session)) place.terminal = fd;
  }
  if (!leader) {
    // In a new PID namespace all groups outside it are 0. Then the foreground is taken to be ours, as it is
    // under `unshare --fork` in a shell.
    int foreground = 0;
    if (place.terminal >= 0 &&
        (kernel::ioctl(place.terminal, TIOCGPGRP, &foreground) != 0 || foreground != kernel::getpgid(0))) {
      place.terminal = -1;
    }
    return place;
  }

  if (place.terminal < 0) {
    place.terminal = static_cast<int>(kernel::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    place.opened = place.terminal >= 0;
  }
  if (place.terminal < 0 || kernel::ioctl(place.terminal, TIOCNOTTY, 0L) == 0) {
    place.kind = Place::Kind::own_session;
  }
  return place;
}

void take_back(const Place& place) {
  if (place.kind == Place::Kind::own_session && place.terminal >= 0) {
    kernel::ioctl(place.terminal, TIOCSCTTY, 0L);
    constexpr __kernel_timespec kNow = {};
    constexpr kernel::SignalSet kHandOver = kernel::set_of(SIGHUP) | kernel::set_of(SIGCONT);
    siginfo_t info;
    while (kernel::wait_for_signal(kHandOver, &info, &kNow) > 0) {
    }
  }
}

[[gnu::noinline]] int linux_version() {
  new_utsname name;
  if (kernel::kernel_name(&name) != 0) return 0;
  const char* release = name.release;
  const int major = read_number(release, 999);
  ++release;  // the dot
  return version_number(major, read_number(release, 999));
}

long spawn(const Program& program, const Place& place, void (*settle)(void*, const Spawned&), void* context) {
  struct Way {
    int number;
    unsigned flags;
  };
  // The first shares memory, but not the stack: nothing is copied, and a word tells the child what to do.
  // Each of the others is for a seccomp profile that denies those before it, and starts the application at
  // once.
  static constexpr Way kWays[] = {
    {__NR_clone, CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD},
    {__NR_clone, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD},
    {__NR_clone, SIGCHLD},
#if defined(__NR_vfork) && defined(__NR_fork)
    {__NR_vfork, 0},
    {__NR_fork, 0},
#endif
  };
  const std::size_t stack_bytes = (candidate_bytes(program) + kChildStackBytes) & ~std::size_t{15};
  char* const stack_top = static_cast<char*>(__builtin_alloca(stack_bytes)) + stack_bytes;
  const bool counts = kernel::getpid() == 1;
  int misses = 0;
  // gVisor, which claims to be Linux 4.4, does not clear the word at an execve.
  for (const Way* way = kWays + (linux_version() >= version_number(5, 0) ? 0 : 1);;) {
    const bool waits = (way->flags & CLONE_CHILD_CLEARTID) != 0;
    Child child = {program, place, waits ? Step::wait : Step::go};
    Spawned spawned = {.shares_memory = waits};
    spawned.pid = kernel::runi_spawn(way->number, way->flags, stack_top, live, &child, &spawned.pidfd);
    if (spawned.pid > 0) {
      if (waits && counts && !is_steady(spawned.pid) && misses < kRound) {
        tell(child.step, Step::miss);
        misses = reap_missed(spawned) ? misses + 1 : kRound;
        continue;
      }
      tell(child.step, Step::prepare);
      settle(context, spawned);
      tell(child.step, Step::go);
      wait_while(spawned.shares_memory, 1);
      return spawned.pid;
    }
    // At a limit the other ways would do no better, and a seccomp profile may kill for them.
    ++way;
    if (spawned.pid == -EAGAIN || spawned.pid == -ENOMEM || way == kWays + sizeof kWays / sizeof *kWays) {
      return spawned.pid;
    }
  }
}

void execute(const Program& program) {
  kernel::set_signal_action(SIGCHLD, program.on_child_signal, nullptr);
  kernel::set_signal_mask(program.signal_mask, nullptr);
  const long result = search_and_execute(program);
  kernel::set_signal_mask(kernel::kEverySignal, nullptr);  // writing to stderr could raise one
  const int error = static_cast<int>(-result);
  const char* why = words_for(error);
  Numbered unknown;
  if (why == nullptr) why = unknown.set("error ", static_cast<std::uint64_t>(error));
  report("exec ", program.args[0], ": ", why);
  kernel::exit(result == -ENOENT || result == -ENOTDIR ? kExitNotFound : kExitCannotExecute);
}

}  // namespace runi
