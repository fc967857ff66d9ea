#include "runictl/host/engine_signal.h"

#include "runictl/host/unix_socket.h"
#include "system/error.h"
#include "system/fd.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace runi {
namespace {

// The process that called listen(2): unix(7), SO_PEERCRED.
Result<pid_t> listener(const std::string& socket) {
  const auto stream = connect_to(socket);
  if (!stream) return stream.error();
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(stream->number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
    return last_error("SO_PEERCRED");
  }
  return peer.pid;
}

Error of(const std::string& socket, const std::string& what) {
  return Error{socket + ": " + what};
}

}  // namespace

Result<Fd> signal_peer(const std::string& socket, int signal) {
  const auto pid = listener(socket);
  if (!pid) return pid.error();
  if (*pid == 0) {
    return of(socket,
              "its process is in a PID namespace that is not seen from here: give the pod the host's PID "
              "namespace (hostPID), or restart by systemd");
  }
  if (*pid == 1) {
    return of(socket,
              "PID 1 holds it for the daemon (socket activation), so the daemon cannot be told from it: "
              "restart by systemd");
  }
  Fd process(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
  if (!process.is_open()) return with_context(socket, last_error("pidfd_open " + std::to_string(*pid)));
  // The process may have ended and its number may have gone to another before the descriptor was there.
  const auto again = listener(socket);
  if (!again) return again.error();
  if (*again != *pid) {
    return of(socket, "another process listens there by now: it has been restarted meanwhile");
  }
  if (syscall(SYS_pidfd_send_signal, process.number(), signal, nullptr, 0) < 0) {
    return with_context(socket, last_error("signal process " + std::to_string(*pid)));
  }
  return process;
}

}  // namespace runi
