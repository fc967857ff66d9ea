#include "runictl/machine/kernel.h"

#include "init/pidfd_info.h"
#include "system/fd.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace runi {
namespace {

constexpr int kPatienceMs = 5000;

// Whether the process has ended and been reaped, which is when its status can be asked for.
bool await_end(const Fd& pidfd) {
  pollfd waiting{pidfd.number(), POLLHUP, 0};
  int ready = 0;
  do {
    ready = poll(&waiting, 1, kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

bool kernel_reaps() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) return false;
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGCHLD, &ignore, &before);
  constexpr int kStatus = 42;
  bool kept = false;
  const pid_t child = fork();
  if (child == 0) {
    writing = Fd();
    char nothing = 0;
    (void)!::read(reading.number(), &nothing, 1);  // until the parent is ready
    _exit(kStatus);
  }
  if (child > 0) {
    const Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    writing = Fd();
    kernel::ProcessInfo info{};
    info.mask = kernel::kPidfdInfoExit;
    kept = pidfd.is_open() && await_end(pidfd) && ioctl(pidfd.number(), kernel::kPidfdGetInfo, &info) == 0 &&
           (info.mask & kernel::kPidfdInfoExit) != 0 && WEXITSTATUS(info.exit_code) == kStatus;
  }
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {  // ECHILD when the kernel has reaped it
  }
  sigaction(SIGCHLD, &before, nullptr);
  return kept;
}

bool has_seccomp() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace

KernelFacts try_kernel() {
  return {kernel_reaps(), has_seccomp()};
}

}  // namespace runi
