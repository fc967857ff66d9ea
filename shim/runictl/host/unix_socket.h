// Connecting to a socket that a daemon listens on.
#pragma once

#include "core/result.h"
#include "system/fd.h"

#include <string>

namespace runi {

// A stream to what listens on the socket at `path`, however long that is; non-blocking. Never waits.
// Errors: there is no such socket, nobody listens, or nobody takes the connections that are there already.
Result<Fd> connect_to(const std::string& path);

}  // namespace runi
