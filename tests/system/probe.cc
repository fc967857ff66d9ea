// Looks at a process from inside: prints as JSON what an application in a container can see of itself.
//
//   probe facts [wait]           everything of which runi promises that an init does not change it;
//                                with wait it then says "end" and reads a line
//   probe listen                 as a socket-activated program, serves one client of each socket; see
//                                serve_sockets
//   probe orphans COUNT SETTLE_MS  orphans COUNT processes, lets them exit, and tells how many zombies stay
//   probe signals                prints each signal it gets, a line each; SIGQUIT ends it with status 3
//   probe become-root            becomes user 0 as a set-user-ID program does, says "ready", and ends with 7
//   on SIGTERM probe sleep                  waits for ever, without a handler for anything probe lease FILE
//   takes a lease on the file, says "taken" and holds on to it probe write FILE...          tries whatever
//   could change each file; see write_attempts
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

int to_int(const char* text) {
  return static_cast<int>(std::strtol(text, nullptr, 10));
}

// A JSON value, already written out.
using Json = std::string;

Json text(const std::string& value) {
  Json out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Json number(long long value) {
  return std::to_string(value);
}
Json boolean(bool value) {
  return value ? "true" : "false";
}

Json list(const std::vector<Json>& values) {
  Json out = "[";
  for (const Json& value : values) out += (out.size() > 1 ? "," : "") + value;
  return out + "]";
}

Json object(const std::map<std::string, Json>& members) {
  Json out = "{";
  for (const auto& [name, value] : members) out += (out.size() > 1 ? ",\n" : "\n") + text(name) + ":" + value;
  return out + "}";
}

// A system call's result, or the name of its error: a filter may deny any of them.
Json result(long value) {
  return value >= 0 ? number(value) : text(strerrorname_np(errno));
}

std::string contents(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return strerrorname_np(errno);
  std::string out;
  char buffer[4096];
  ssize_t length = 0;
  while ((length = read(fd, buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<std::size_t>(length));
  if (length < 0) out += strerrorname_np(errno);
  close(fd);
  return out;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const std::string all = contents(path);
  for (std::size_t start = 0; start < all.size();) {
    const std::size_t end = std::min(all.find('\n', start), all.size());
    lines.push_back(all.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// The value of a line "Name:\tvalue" in /proc/<pid>/status.
std::string status_field(const std::string& pid, const std::string& name) {
  for (const std::string& line : lines_of("/proc/" + pid + "/status")) {
    if (line.compare(0, name.size() + 1, name + ":") == 0) {
      const std::size_t value = line.find_first_not_of(" \t", name.size() + 1);
      return value == std::string::npos ? "" : line.substr(value);
    }
  }
  return "";
}

std::vector<std::string> entries_of(const char* folder) {
  std::vector<std::string> names;
  DIR* const stream = opendir(folder);
  if (stream == nullptr) return names;
  while (const dirent* entry = readdir(stream)) names.emplace_back(entry->d_name);
  closedir(stream);
  return names;
}

Json open_fds() {
  std::map<std::string, Json> fds;
  for (int fd = 0; fd < 1024; ++fd) {  // by number, so that looking opens nothing
    const int status = fcntl(fd, F_GETFL);
    if (status < 0) continue;
    char target[4096];
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t length = readlink(link.c_str(), target, sizeof target);
    fds[std::to_string(fd)] =
        object({{"target", text(std::string(target, length > 0 ? static_cast<std::size_t>(length) : 0))},
                {"status_flags", number(status)},
                {"fd_flags", number(fcntl(fd, F_GETFD))},
                {"offset", result(lseek(fd, 0, SEEK_CUR))}});
  }
  return object(fds);
}

Json limits() {
  std::vector<Json> all;
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit limit{};
    getrlimit(static_cast<__rlimit_resource>(resource), &limit);
    all.push_back(list({text(std::to_string(limit.rlim_cur)), text(std::to_string(limit.rlim_max))}));
  }
  return list(all);
}

Json groups() {
  std::vector<gid_t> ids(static_cast<std::size_t>(getgroups(0, nullptr)));
  getgroups(static_cast<int>(ids.size()), ids.data());
  std::vector<Json> out;
  out.reserve(ids.size());
  for (const gid_t id : ids) out.push_back(number(id));
  return list(out);
}

Json user_ids() {
  uid_t real = 0, effective = 0, saved = 0;
  getresuid(&real, &effective, &saved);
  return list({number(real), number(effective), number(saved), number(syscall(SYS_setfsuid, -1))});
}

Json group_ids() {
  gid_t real = 0, effective = 0, saved = 0;
  getresgid(&real, &effective, &saved);
  return list({number(real), number(effective), number(saved), number(syscall(SYS_setfsgid, -1))});
}

Json capabilities() {
  std::map<std::string, Json> sets;
  for (const char* name : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    sets[name] = text(status_field("self", name));
  }
  return object(sets);
}

// Read by system call: /proc may be missing. Numbers 32 and 33 belong to the C library, so not sigaction().
Json signals() {
  unsigned long long blocked = 0, pending = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &blocked, sizeof blocked);
  syscall(SYS_rt_sigpending, &pending, sizeof pending);
  std::vector<Json> ignored, handled;
  for (int signal = 1; signal <= 64; ++signal) {
    struct {
      void* handler;
      unsigned long flags;
      void* restorer;
      unsigned long long mask;
    } action{};
    syscall(SYS_rt_sigaction, signal, nullptr, &action, sizeof action.mask);
    if (action.handler == reinterpret_cast<void*>(SIG_IGN)) {
      ignored.push_back(number(signal));
    } else if (action.handler != nullptr) {
      handled.push_back(number(signal));
    }
  }
  return object({{"blocked", text(std::to_string(blocked))},
                 {"pending", text(std::to_string(pending))},
                 {"ignored", list(ignored)},
                 {"handled", list(handled)}});
}

// Relations, not numbers: those differ with every process.
Json session() {
  const pid_t self = getpid();
  std::map<std::string, Json> out{{"leads_session", boolean(getsid(0) == self)},
                                  {"leads_group", boolean(getpgrp() == self)}};
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  out["has_terminal"] = boolean(terminal >= 0);
  if (terminal >= 0) {
    out["in_foreground"] = boolean(tcgetpgrp(terminal) == getpgrp());
    pid_t owner = 0;
    out["owns_terminal"] = boolean(ioctl(terminal, TIOCGSID, &owner) == 0 && owner == getsid(0));
    winsize size{};
    ioctl(terminal, TIOCGWINSZ, &size);
    out["window"] = list({number(size.ws_row), number(size.ws_col)});
    close(terminal);
  }
  return object(out);
}

Json scheduling() {
  sched_param parameter{};
  sched_getparam(0, &parameter);
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  errno = 0;
  return object({{"nice", number(getpriority(PRIO_PROCESS, 0))},
                 {"policy", result(sched_getscheduler(0))},
                 {"priority", number(parameter.sched_priority)},
                 {"cpus", number(CPU_COUNT(&set))},
                 {"io_priority", result(syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0))},
                 {"memory_policy", result(syscall(SYS_get_mempolicy, nullptr, nullptr, 0, nullptr, 0))},
                 {"timer_slack_ns", result(prctl(PR_GET_TIMERSLACK))}});
}

Json process_flags() {
  int parent_death_signal = 0, subreaper = 0, tsc = 0;
  prctl(PR_GET_PDEATHSIG, &parent_death_signal);
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  std::map<std::string, Json> out{{"parent_death_signal", number(parent_death_signal)},
                                  {"subreaper", number(subreaper)},
                                  {"no_new_privileges", result(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))},
                                  {"seccomp", text(status_field("self", "Seccomp"))},
                                  {"seccomp_filters", text(status_field("self", "Seccomp_filters"))},
                                  {"securebits", result(prctl(PR_GET_SECUREBITS))},
                                  {"keep_capabilities", result(prctl(PR_GET_KEEPCAPS))},
                                  {"dumpable", result(prctl(PR_GET_DUMPABLE))},
                                  {"personality", result(personality(0xffffffff))},
                                  {"no_huge_pages", result(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0))},
                                  {"machine_check_policy", result(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0))},
                                  {"speculation", text(status_field("self", "Speculation_Store_Bypass"))},
                                  {"secure_execution", number(static_cast<long long>(getauxval(AT_SECURE)))}};
#ifdef __x86_64__
  out["time_stamp_counter"] = prctl(PR_GET_TSC, &tsc) == 0 ? number(tsc) : text(strerrorname_np(errno));
#else
  static_cast<void>(tsc);
#endif
  return object(out);
}

Json session_keyring() {
  char description[256] = "";
  const long length =
      syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, description, sizeof description);
  return length >= 0 ? text(description) : text(strerrorname_np(errno));
}

Json mounts() {
  std::vector<Json> all;
  for (const std::string& line : lines_of("/proc/self/mountinfo")) all.push_back(text(line));
  return list(all);
}

Json namespaces() {
  std::map<std::string, Json> all;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "user", "uts"}) {
    struct stat mine {
    }, first{};
    const bool seen = stat((std::string("/proc/self/ns/") + name).c_str(), &mine) == 0 &&
                      stat((std::string("/proc/1/ns/") + name).c_str(), &first) == 0;
    all[name] = seen ? boolean(mine.st_ino == first.st_ino) : text("unseen");  // as its PID 1
  }
  return object(all);
}

int print_facts(char** argv) {
  std::vector<Json> arguments, environment;
  for (char** word = argv; *word != nullptr; ++word) arguments.push_back(text(*word));
  for (char** word = environ; *word != nullptr; ++word) environment.push_back(text(*word));
  const Json fds = open_fds();  // before anything else opens a file
  char cwd[4096] = "";
  const bool has_cwd = getcwd(cwd, sizeof cwd) != nullptr;
  const mode_t mask = umask(0);
  umask(mask);
  const auto* const executable = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  std::map<std::string, Json> facts{
      {"pid", number(getpid())},
      {"ppid", number(getppid())},
      {"threads", text(status_field("self", "Threads"))},
      {"name", text(status_field("self", "Name"))},
      {"executed", text(executable)},
      {"arguments", list(arguments)},
      {"environment", list(environment)},
      {"cwd", text(has_cwd ? cwd : strerrorname_np(errno))},
      {"umask", number(mask)},
      {"user_ids", user_ids()},
      {"group_ids", group_ids()},
      {"groups", groups()},
      {"capabilities", capabilities()},
      {"limits", limits()},
      {"signals", signals()},
      {"session", session()},
      {"scheduling", scheduling()},
      {"flags", process_flags()},
      {"fds", fds},
      {"mounts", mounts()},
      {"namespaces", namespaces()},
      {"session_keyring", session_keyring()},
  };
  for (const char* file : {"cgroup", "attr/current", "oom_score_adj", "coredump_filter", "loginuid",
                           "sessionid", "uid_map", "gid_map", "setgroups"}) {
    facts[file] = text(contents(std::string("/proc/self/") + file));
  }
  std::puts(object(facts).c_str());
  if (argv[2] != nullptr) {
    std::puts("end");
    std::fflush(stdout);
    std::getchar();
  }
  return 0;
}

// How many processes of this PID namespace are in that state; 0 counts those that run.
int count_processes(bool zombies) {
  int found = 0;
  for (const std::string& name : entries_of("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string state = status_field(name, "State");
    if (!state.empty() && (state[0] == 'Z') == zombies) ++found;
  }
  return found;
}

// Does what sd_listen_fds(3) describes, answers each client with what it said, and tells the number of
// sockets; ends with 3 where the sockets are for another process.
int serve_sockets() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr || to_int(pid) != getpid()) {
    std::printf("not for us\n");
    return 3;
  }
  constexpr int kFirst = 3;
  for (int fd = kFirst; fd < kFirst + to_int(count); ++fd) {
    const int client = accept(fd, nullptr, nullptr);
    char said[64];
    const ssize_t size = read(client, said, sizeof said);
    if (size < 0 || write(client, said, static_cast<std::size_t>(size)) != size) {
      std::perror("client");
      return 1;
    }
    close(client);
  }
  std::printf("sockets %s\n", count);
  return 0;
}

long monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

int orphans(int count, int settle_ms) {
  const int before = count_processes(false);
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) != 0) return 1;
  const pid_t parent = fork();
  if (parent == 0) {
    close(gate[1]);
    for (int i = 0; i < count; ++i) {
      const pid_t orphan = fork();
      if (orphan < 0) _exit(1);
      if (orphan == 0) {
        char byte = 0;
        _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
      }
    }
    _exit(0);
  }
  int status = 0;
  if (waitpid(parent, &status, 0) != parent || status != 0) return 1;
  close(gate[1]);  // they have been adopted by PID 1, and now exit
  const timespec pause{0, 2'000'000};
  while (count_processes(false) > before) nanosleep(&pause, nullptr);
  int zombies = count_processes(true);
  // By the clock: on gVisor it is the counting that takes the time.
  for (const long end_ms = monotonic_ms() + settle_ms; zombies > 0 && monotonic_ms() < end_ms;) {
    nanosleep(&pause, nullptr);
    zombies = count_processes(true);
  }
  std::printf("{\"orphans\":%d,\"zombies\":%d}\n", count, zombies);
  return 0;
}

int print_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  std::puts("ready");
  for (;;) {
    siginfo_t info{};
    const int signal = sigwaitinfo(&all, &info);
    if (signal < 0) continue;
    std::printf("signal %d value %d\n", signal, info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
    if (signal == SIGQUIT) return 3;
  }
}

// fcntl(2): nobody else may have it open, and then nobody can open it. Returns the descriptor, or -1.
int take_lease(const char* path) {
  const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

// Each way to change a file that root in a container might try, by name; 0 or the error it met.
int write_attempts(char** files) {
  std::map<std::string, Json> outcomes;
  for (char** file = files; *file != nullptr; ++file) {
    const char* const path = *file;
    const std::string renamed = std::string(path) + ".renamed";
    const std::string temporary = "/tmp/attempt";
    close(open(temporary.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
    const auto opened = [path](int flags) {
      const int fd = open(path, flags | O_CLOEXEC);
      if (fd < 0) return -1;
      const ssize_t written = write(fd, "changed", 7);
      const int error = errno;
      close(fd);
      errno = error;
      return written < 0 ? -1 : 0;
    };
    const timespec times[2] = {{1, 0}, {1, 0}};
    const std::vector<std::pair<const char*, std::function<int()>>> attempts{
        {"open for writing", [&] { return opened(O_WRONLY); }},
        {"open for appending", [&] { return opened(O_WRONLY | O_APPEND); }},
        {"open and truncate", [&] { return opened(O_WRONLY | O_TRUNC); }},
        {"truncate", [&] { return truncate(path, 0); }},
        {"reopen by fd",
         [&] {
           const int fd = open(path, O_PATH | O_CLOEXEC);
           if (fd < 0) return -1;
           const std::string link = "/proc/self/fd/" + std::to_string(fd);
           const int writable = open(link.c_str(), O_WRONLY | O_CLOEXEC);
           const int error = errno;
           if (writable >= 0 && write(writable, "changed", 7) == 7) return 0;
           errno = error;
           return -1;
         }},
        {"change mode", [&] { return chmod(path, 0777); }},
        {"change owner", [&] { return chown(path, 1, 1); }},
        {"change times", [&] { return utimensat(AT_FDCWD, path, times, 0); }},
        {"set attribute",
         [&] { return static_cast<int>(syscall(SYS_setxattr, path, "user.attempt", "1", 1, 0)); }},
        {"hard link", [&] { return link(path, renamed.c_str()); }},
        {"rename", [&] { return rename(path, renamed.c_str()); }},
        {"rename over", [&] { return rename(temporary.c_str(), path); }},
        {"unlink", [&] { return unlink(path); }},
        {"remount for writing", [&] { return mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND, nullptr); }},
        {"remount the file system", [&] { return mount(nullptr, path, nullptr, MS_REMOUNT, nullptr); }},
        {"map shared and writable",
         [&] {
           const int fd = open(path, O_RDONLY | O_CLOEXEC);
           if (fd < 0) return -1;
           void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
           const int error = errno;
           close(fd);
           errno = error;
           return memory == MAP_FAILED ? -1 : 0;
         }},
        {"lease",
         [&] {
           const int fd = take_lease(path);
           if (fd < 0) return -1;
           close(fd);
           return 0;
         }},
        {"mount over", [&] { return mount(temporary.c_str(), path, nullptr, MS_BIND, nullptr); }},
        {"unmount what was mounted over", [&] { return umount2(path, MNT_DETACH); }},
        {"unmount", [&] { return umount2(path, 0); }},
        {"open for writing at last", [&] { return opened(O_WRONLY); }},
    };
    for (const auto& [name, attempt] : attempts) {
      outcomes[std::string(path) + ": " + name] =
          attempt() == 0 ? text("done") : text(strerrorname_np(errno));
    }
  }
  std::puts(object(outcomes).c_str());
  return 0;
}

// Keeps others from opening the file for as long as it runs, whatever the kernel makes of the lease
// meanwhile.
int hold_lease(const char* path) {
  std::signal(SIGIO, SIG_IGN);
  const int fd = take_lease(path);
  std::printf("%s\n", fd < 0 ? std::strerror(errno) : "taken");
  std::fflush(stdout);
  for (;;) {
    if (fd < 0) pause();
    if (fcntl(fd, F_GETLEASE) != F_WRLCK) fcntl(fd, F_SETLEASE, F_WRLCK);
    usleep(1000);
  }
}

int become_root() {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
  if (setresuid(0, 0, 0) != 0) return 1;
  std::puts("ready");
  std::fflush(stdout);
  int number = 0;
  sigwait(&term, &number);
  return 7;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "facts") return print_facts(argv);
  if (command == "listen") return serve_sockets();
  if (command == "orphans" && argc == 4) return orphans(to_int(argv[2]), to_int(argv[3]));
  if (command == "signals") return print_signals();
  if (command == "write") return write_attempts(argv + 2);
  if (command == "lease" && argc == 3) return hold_lease(argv[2]);
  if (command == "become-root") return become_root();
  if (command == "sleep") {
    for (;;) pause();
  }
  std::fputs(
      "probe: one of facts, listen, orphans COUNT SETTLE_MS, signals, become-root, sleep, lease FILE, write "
      "FILE...\n",
      stderr);
  return 2;
}
