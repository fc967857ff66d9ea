// Looks at a process from inside: prints as JSON what an application in a container can see of itself.
//
//   probe facts [wait]             everything that runi promises an init does not change;
//                                  with wait it then says "end" and reads a line
//   probe listen                   serves one client of each socket that it was given; see serve_sockets()
//   probe orphans COUNT SETTLE_MS  orphans COUNT processes, lets them exit, and tells how many zombies stay
//   probe signals                  prints each signal it gets, a line each; SIGQUIT ends it with status 3
//   probe become-root              becomes user 0 as a set-user-ID program does, says "ready", and ends
//                                  with 7 on SIGTERM
//   probe sleep                    waits for ever, without a handler for anything
//   probe lease FILE               takes a lease on the file, says "taken" and holds on to it
//   probe write FILE...            tries all that could change each file; see print_write_attempts()
#include "commands.h"
#include "proc.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace {

int to_int(const char* text) {
  return static_cast<int>(std::strtol(text, nullptr, 10));
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
  if (command == "write") return print_write_attempts(argv + 2);
  if (command == "lease" && argc == 3) hold_lease(argv[2]);
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
