#include "system/process.h"

#include "system/error.h"
#include "system/fd.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace runi {
namespace {

// Half a line at the end of a full file system would be the beginning of somebody else's line. Not if that is
// there already.
void take_back(int fd, std::size_t written) {
  struct stat status {};
  const off_t end = lseek(fd, 0, SEEK_CUR);
  if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size != end) return;
  if (ftruncate(fd, end - static_cast<off_t>(written)) < 0) return;  // nothing more can be done
}

}  // namespace

Result<void> append_line(const std::string& path, const std::string& line, mode_t mode) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | kOpenFlags, mode));
  if (!fd.is_open()) return last_error("open");
  auto written = write_once(fd.number(), line + "\n");
  if (!written) return written.error();
  if (*written == line.size() + 1) return {};
  take_back(fd.number(), *written);
  return Error{"write: no room for the whole line"};
}

void print_error(const std::string& line) {
  (void)write_all(STDERR_FILENO, line + "\n");  // a caller without stderr is not to fail for that
}

Result<void> send_to_syslog(int priority, const std::string& text) {
  const std::string message = "<" + std::to_string(priority) + ">" + text;
  const sockaddr_un address{AF_UNIX, "/dev/log"};
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const Fd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) return last_error("socket");
    if (connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
      if (errno == EPROTOTYPE && type == SOCK_DGRAM) continue;  // some daemons listen for streams
      return last_error("connect to /dev/log");
    }
    const std::size_t size = message.size() + (type == SOCK_STREAM ? 1 : 0);  // there a NUL ends it
    const ssize_t put = send(fd.number(), message.c_str(), size, MSG_NOSIGNAL);
    return put < 0 ? last_error("send to /dev/log") : Result<void>{};
  }
  return {};
}

void try_stderr(const std::string& line) {
  // Not by O_NONBLOCK: the caller and the runtime share the descriptor's flags. A pipe that is ready takes
  // PIPE_BUF bytes.
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT) (void)write_once(STDERR_FILENO, line + "\n");
}

std::uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace runi
