// What hack/bench init needs that Python is too slow or too far from the kernel for. Each mode prints
// numbers, one measurement a line.
//
// A container, here, is a command that is PID 1 of a new PID namespace. It has three variables in its
// environment and pipes for stdin and stdout.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Command = std::vector<char*>;  // ends with a null

constexpr long kMicrosecond = 1000;
constexpr int kSenderCpu = 0;
constexpr int kContainerCpu = 1;
constexpr int kAnyCpu = -1;

[[noreturn]] void die(const char* what) {
  perror(what);
  exit(1);
}

long now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000L + time.tv_nsec;
}

void spin_until(long time_ns) {
  while (now_ns() < time_ns) {
  }
}

void sleep_ns(long ns) {
  const timespec time = {ns / 1'000'000'000L, ns % 1'000'000'000L};
  nanosleep(&time, nullptr);
}

// Where there is only one, everything shares it.
void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (cpu != kAnyCpu) sched_setaffinity(0, sizeof set, &set);
}

// --- containers

struct Container {
  pid_t pid;
  int to;          // its stdin
  int from;        // its stdout
  int until_exec;  // ends when PID 1 is executed
};

struct Birth {
  char** args;
  int in;
  int out;
  int cpu;
};

int be_born(void* argument) {
  static const char* const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=bench",
                                            "HOME=/root", nullptr};
  const Birth& birth = *static_cast<const Birth*>(argument);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin(birth.cpu);
  if (birth.in >= 0) dup2(birth.in, 0);
  if (birth.out >= 0) dup2(birth.out, 1);
  execve(birth.args[0], birth.args, const_cast<char**>(environment));
  _exit(127);
}

// Returns when the command is executed, with CLONE_VFORK in the flags.
pid_t spawn(const Birth& birth, int flags) {
  alignas(16) static char stack[64 * 1024];
  const pid_t pid = clone(be_born, stack + sizeof stack, flags | SIGCHLD, const_cast<Birth*>(&birth));
  if (pid < 0) die("clone");
  return pid;
}

Container start(const Command& command, int cpu = kAnyCpu) {
  int to[2], from[2], exec[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0 || pipe2(exec, O_CLOEXEC) != 0) die("pipe");
  const Birth birth = {const_cast<char**>(command.data()), to[0], from[1], cpu};
  const pid_t pid = spawn(birth, CLONE_NEWPID);
  close(to[0]);
  close(from[1]);
  close(exec[1]);
  return {pid, to[1], from[0], exec[0]};
}

void await_byte(const Container& container) {
  char byte;
  if (read(container.from, &byte, 1) != 1) {
    fprintf(stderr, "a container ended too early\n");
    exit(1);
  }
}

void tell(const Container& container) {
  if (write(container.to, "g", 1) != 1) die("write");
}

void forget(const Container& container) {
  close(container.to);
  close(container.from);
  close(container.until_exec);
}

void end(const Container& container) {
  kill(container.pid, SIGKILL);
  waitpid(container.pid, nullptr, 0);
  forget(container);
}

bool has_ended_by(pid_t pid, long deadline_ns) {
  while (waitpid(pid, nullptr, WNOHANG) != pid) {
    if (now_ns() > deadline_ns) return false;
    sleep_ns(50 * kMicrosecond);
  }
  return true;
}

// --- modes: what measures

// Keeps `count` containers alive until stdin ends; before, prints their PIDs. The group is a cgroup.procs or
// -.
void hold(int count, const char* group, const Command& command) {
  if (strcmp(group, "-") != 0) {
    const int file = open(group, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "0", 1) != 1) die(group);
    close(file);
  }
  std::vector<Container> containers;
  for (int i = 0; i < count; ++i) {
    containers.push_back(start(command));
    await_byte(containers.back());
  }
  for (const Container& container : containers) printf("%d ", container.pid);
  printf("\n");
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  for (const Container& container : containers) end(container);
}

// Which of so many is the i-th of a round: each has each place and each neighbour's side equally often, so
// that what else runs on the machine in slices of time meets all of them.
size_t turn_of(size_t i, int round, size_t count) {
  const size_t place = round % 2 == 0 ? i : count - 1 - i;
  return (place + static_cast<size_t>(round + 1000) / 2) % count;
}

// So that what else runs on the machine disturbs less. Containers inherit it.
void get_ahead() {
  if (setpriority(PRIO_PROCESS, 0, -20) != 0) die("setpriority");
}

// From before each command's process, PID 1, is made until it is waited for, in ns, a line a round.
void time_lives(int rounds, const std::vector<Command>& commands) {
  constexpr int kWarmUp = 3;
  get_ahead();
  std::vector<long> ns(commands.size());
  for (int round = -kWarmUp; round < rounds; ++round) {
    for (size_t i = 0; i < commands.size(); ++i) {
      const size_t turn = turn_of(i, round, commands.size());
      const Birth birth = {const_cast<char**>(commands[turn].data()), -1, -1, kAnyCpu};
      const long began = now_ns();
      int status;
      waitpid(spawn(birth, CLONE_NEWPID | CLONE_VM | CLONE_VFORK), &status, 0);
      ns[turn] = now_ns() - began;
      if (status != 0) {
        fprintf(stderr, "%s: wait status %d\n", commands[turn][0], status);
        exit(1);
      }
    }
    for (size_t i = 0; round >= 0 && i < ns.size(); ++i)
      printf("%ld%c", ns[i], i + 1 == ns.size() ? '\n' : ' ');
  }
}

struct Stamps {
  std::atomic<long> count;
  std::atomic<long> time_ns;
};

Stamps* map_stamps(const char* path) {
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(Stamps)) != 0) die(path);
  void* const memory = mmap(nullptr, sizeof(Stamps), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) die(path);
  close(file);
  return static_cast<Stamps*>(memory);
}

// From before a SIGUSR1 is sent to PID 1 until the application has it, in ns.
void time_signals(const char* path, int count, const Command& command) {
  Stamps* const stamps = map_stamps(path);
  stamps->count = 0;
  get_ahead();
  pin(kSenderCpu);
  const Container container = start(command, kContainerCpu);
  await_byte(container);
  sleep_ns(2000 * kMicrosecond);
  for (int i = 0; i < count; ++i) {
    const long began = now_ns();
    kill(container.pid, SIGUSR1);
    while (stamps->count.load() == i && now_ns() < began + 1'000'000 * kMicrosecond) {
    }
    if (stamps->count.load() == i) {
      fprintf(stderr, "%s: a signal was lost\n", command[0]);
      exit(1);
    }
    printf("%ld\n", stamps->time_ns.load() - began);
    sleep_ns(100 * kMicrosecond);
  }
  end(container);
}

// Of SIGTERMs sent so long after PID 1 was executed, how many did nothing. The clock starts when this process
// has been woken by a pipe that exec closed: sooner nobody who sleeps can know.
void count_lost(long delay_ns, int tries, const Command& command) {
  constexpr long kPatience = 60'000 * kMicrosecond;
  pin(kSenderCpu);
  int lost = 0;
  for (int i = 0; i < tries; ++i) {
    const Container container = start(command, kContainerCpu);
    char byte;
    if (read(container.until_exec, &byte, 1) != 0) die("exec");
    spin_until(now_ns() + delay_ns);
    kill(container.pid, SIGTERM);
    if (has_ended_by(container.pid, now_ns() + kPatience)) {
      forget(container);
    } else {
      ++lost;
      end(container);
    }
  }
  printf("%d\n", lost);
}

long cpu_ns(pid_t pid) {
  long ns = 0;
  FILE* const file = fopen(("/proc/" + std::to_string(pid) + "/schedstat").c_str(), "re");
  if (file == nullptr || fscanf(file, "%ld", &ns) != 1) die("schedstat");
  fclose(file);
  return ns;
}

// What PID 1 does for the orphans that an application of the mode `breed` makes: the time until all are gone,
// and the CPU time of PID 1 in it; in ns.
void time_orphans(const Command& command) {
  const Container container = start(command);
  await_byte(container);
  const long before = cpu_ns(container.pid);
  tell(container);
  long drained_ns;
  if (read(container.from, &drained_ns, sizeof drained_ns) != sizeof drained_ns) die("read");
  sleep_ns(2000 * kMicrosecond);
  printf("%ld %ld\n", drained_ns, cpu_ns(container.pid) - before);
  end(container);
}

// As time_orphans: PID 1's system calls, and those that it makes in any case until its end.
void count_calls(const Command& command) {
  const Container container = start(command);
  await_byte(container);
  if (ptrace(PTRACE_SEIZE, container.pid, nullptr, PTRACE_O_TRACESYSGOOD) != 0) die("ptrace");
  ptrace(PTRACE_INTERRUPT, container.pid, nullptr, nullptr);
  long stops = 0;
  bool told = false;
  for (int status; waitpid(container.pid, &status, 0) == container.pid && WIFSTOPPED(status);) {
    const int signal = WSTOPSIG(status);
    const int event = status >> 16;
    if (signal == (SIGTRAP | 0x80)) ++stops;
    const bool deliver = event == 0 && signal != (SIGTRAP | 0x80);
    ptrace(PTRACE_SYSCALL, container.pid, nullptr, deliver ? static_cast<long>(signal) : 0L);
    if (!told) {
      tell(container);
      tell(container);
      told = true;
    }
  }
  printf("%ld\n", (stops + 1) / 2);  // a stop before and one after each
  forget(container);
}

// From SIGTERM to an application that does not expect it until PID 1 is waited for, in ns.
void time_stops(int rounds, const std::vector<Command>& commands) {
  std::vector<long> ns(commands.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < commands.size(); ++i) {
      const size_t turn = turn_of(i, round, commands.size());
      const Container container = start(commands[turn]);
      await_byte(container);
      sleep_ns(5000 * kMicrosecond);
      const long began = now_ns();
      kill(container.pid, SIGTERM);
      waitpid(container.pid, nullptr, 0);
      ns[turn] = now_ns() - began;
      forget(container);
    }
    for (size_t i = 0; i < ns.size(); ++i) printf("%ld%c", ns[i], i + 1 == ns.size() ? '\n' : ' ');
  }
}

// --- modes: what runs in the container

// Tells when each SIGUSR1 came.
void stamp(const char* path) {
  Stamps* const stamps = map_stamps(path);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  if (write(1, "r", 1) != 1) die("write");
  for (;;) {
    if (sigwaitinfo(&set, nullptr) != SIGUSR1) continue;
    stamps->time_ns = now_ns();
    stamps->count.fetch_add(1);
  }
}

// Makes so many orphans, all dead, which PID 1 gets at once when told to go on: their parent ends. Writes how
// long it takes, in ns, until none is left, and ends at the next word.
void breed(int count) {
  pid_t* const pids = static_cast<pid_t*>(mmap(nullptr, sizeof(pid_t) * (static_cast<size_t>(count) + 1),
                                               PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  long* const began = static_cast<long*>(
      mmap(nullptr, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  char byte;
  const pid_t parent = fork();
  if (parent == 0) {
    for (int i = 0; i < count; ++i) {
      const pid_t pid = vfork();
      if (pid == 0) _exit(0);
      if (pid < 0) die("vfork");
      pids[i] = pid;
    }
    if (write(1, "r", 1) != 1 || read(0, &byte, 1) != 1) _exit(1);
    *began = now_ns();
    _exit(0);
  }
  waitpid(parent, nullptr, 0);
  for (int i = 0; i < count; ++i) {
    while (kill(pids[i], 0) == 0) sleep_ns(100 * kMicrosecond);
  }
  const long drained_ns = now_ns() - *began;
  if (write(1, &drained_ns, sizeof drained_ns) != sizeof drained_ns) die("write");
  if (read(0, &byte, 1) != 1) exit(1);
}

// Goes on as the command, which has no signalfd.
void without_signalfd(char** args) {
  const sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_signalfd4, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof filter / sizeof *filter, const_cast<sock_filter*>(filter)};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    die("seccomp");
  }
  execv(args[0], args);
  die(args[0]);
}

// The rest of the arguments, one command up to each "," that stands alone.
std::vector<Command> commands_in(char** args) {
  std::vector<Command> commands(1);
  for (; *args != nullptr; ++args) {
    if (std::string_view(*args) != ",") {
      commands.back().push_back(*args);
      continue;
    }
    commands.back().push_back(nullptr);
    commands.emplace_back();
  }
  commands.back().push_back(nullptr);
  return commands;
}

}  // namespace

int main(int count, char** args) {
  const std::string_view mode = count > 2 ? args[1] : "";
  const auto number = [&](int i) { return i < count ? atoi(args[i]) : 0; };
  if (mode == "hold" && count > 4)
    hold(number(2), args[3], commands_in(args + 4)[0]);
  else if (mode == "lives" && count > 3)
    time_lives(number(2), commands_in(args + 3));
  else if (mode == "signals" && count > 4)
    time_signals(args[2], number(3), commands_in(args + 4)[0]);
  else if (mode == "lost" && count > 4)
    count_lost(number(2) * kMicrosecond, number(3), commands_in(args + 4)[0]);
  else if (mode == "orphans")
    time_orphans(commands_in(args + 2)[0]);
  else if (mode == "calls")
    count_calls(commands_in(args + 2)[0]);
  else if (mode == "stops" && count > 3)
    time_stops(number(2), commands_in(args + 3));
  else if (mode == "stamp")
    stamp(args[2]);
  else if (mode == "breed")
    breed(number(2));
  else if (mode == "without-signalfd")
    without_signalfd(args + 2);
  else
    return 2;
}
