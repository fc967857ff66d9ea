// Signals to the daemon that listens on a socket, whatever it is called and wherever its pid is written down.
#pragma once

#include "core/result.h"
#include "system/fd.h"

#include <string>

namespace runi {

// Sends `signal` to the process that listens on the socket. Returns a descriptor of the process, which can be
// read when it has ended (pidfd_open(2)).
// Errors: nobody listens; the process is in a PID namespace that this one does not see into, or it is PID 1,
// which only holds the socket for the daemon (systemd's socket activation); it may not be signalled.
Result<Fd> signal_peer(const std::string& socket, int signal);

}  // namespace runi
