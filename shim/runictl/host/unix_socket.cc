#include "runictl/host/unix_socket.h"

#include "core/path.h"
#include "system/error.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

namespace runi {

Result<Fd> connect_to(const std::string& path) {
  // An address has room for a hundred characters, so the directory goes into it as a descriptor.
  const Fd directory(open(std::string(directory_of(path)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return with_context(path, last_error("connect"));
  const std::string name = joined(proc_path(directory.number()), base_name(path));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path) return Error{path + ": connect: the file's name is too long"};
  std::copy(name.begin(), name.end(), std::begin(address.sun_path));
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return last_error("socket");
  if (connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == ECONNREFUSED) return Error{path + ": nobody listens there: is the daemon running?"};
  if (errno == EAGAIN) {
    return Error{path + ": the daemon does not take connections: it hangs, or has not started yet"};
  }
  return with_context(path, last_error("connect"));
}

}  // namespace runi
