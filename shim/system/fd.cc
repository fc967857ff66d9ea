#include "system/fd.h"

#include "system/error.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace runi {
namespace {

// Takes back the signal that a write has sent to this thread. One that was pending before stays.
void take_signal(int signal, bool pending_before) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, signal);
  const timespec at_once{};
  sigtimedwait(&signals, nullptr, &at_once);  // the thread's before the process's
  sigpending(&signals);
  if (pending_before && sigismember(&signals, signal) == 0) raise(signal);
}

// As write(2), but no signal ends or stops the process: SIGPIPE for a pipe without a reader, SIGXFSZ beyond a
// size limit, SIGTTOU on the terminal of another process group. They are blocked meanwhile. SIGTTOU is then
// not even raised; the others are taken back if the write has raised them. So the runtime inherits actions,
// mask and pending signals as they were.
ssize_t write_quietly(int fd, std::string_view bytes) {
  sigset_t raised;
  sigset_t mask;
  sigset_t before;
  sigemptyset(&raised);
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU}) sigaddset(&raised, signal);
  pthread_sigmask(SIG_BLOCK, &raised, &mask);
  sigpending(&before);
  ssize_t put = 0;
  do {
    put = write(fd, bytes.data(), bytes.size());
  } while (put < 0 && errno == EINTR);
  const int error = errno;
  if (put < 0 && error == EPIPE) take_signal(SIGPIPE, sigismember(&before, SIGPIPE) == 1);
  if (put < 0 && error == EFBIG) take_signal(SIGXFSZ, sigismember(&before, SIGXFSZ) == 1);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  errno = error;
  return put;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) close(number_);
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (number_ >= 0) close(number_);
}

std::string proc_path(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

Result<std::string> read_first(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = pread(fd, bytes.data() + filled, size - filled, static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error("read");
    if (got == 0) break;  // it has shrunk meanwhile
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::size_t> write_once(int fd, std::string_view bytes) {
  const ssize_t put = write_quietly(fd, bytes);
  if (put < 0) return last_error("write");
  return static_cast<std::size_t>(put);
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = write_once(fd, bytes);
    if (!put) return put.error();
    bytes.remove_prefix(*put);
  }
  return {};
}

// Half a line at the end of a full file system would be the beginning of somebody else's line. Not if that is
}  // namespace runi
