// Everything that an application in a container can see of itself.
#include "commands.h"
#include "json.h"
#include "proc.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <csignal>

namespace {

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

Json words(char** array) {
  std::vector<Json> all;
  for (char** word = array; *word != nullptr; ++word) all.push_back(text(*word));
  return list(all);
}

Json working_directory() {
  char path[4096] = "";
  return text(getcwd(path, sizeof path) != nullptr ? path : strerrorname_np(errno));
}

Json file_mode_mask() {
  const mode_t mask = umask(0);
  umask(mask);
  return number(mask);
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
  ids.resize(static_cast<std::size_t>(getgroups(static_cast<int>(ids.size()), ids.data())));
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

}  // namespace

int print_facts(char** argv) {
  const Json fds = open_fds();  // before anything else opens a file
  std::map<std::string, Json> facts{
      {"pid", number(getpid())},
      {"ppid", number(getppid())},
      {"threads", text(status_field("self", "Threads"))},
      {"name", text(status_field("self", "Name"))},
      {"executed", text(reinterpret_cast<const char*>(getauxval(AT_EXECFN)))},
      {"arguments", words(argv)},
      {"environment", words(environ)},
      {"cwd", working_directory()},
      {"umask", file_mode_mask()},
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
