// So many processes, for a test that counts the work of looking through them.
//
//   crowd COUNT    makes COUNT processes that wait, says "ready", and waits; they end with it.
//   crowd become   takes its effective user for its real and saved one too, as sudo does, and waits.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "become") == 0) {
    if (setresuid(geteuid(), geteuid(), geteuid()) != 0) return 1;
    for (;;) pause();
  }
  const long count = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
  for (long i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) pause();
    }
  }
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  for (;;) pause();
}
