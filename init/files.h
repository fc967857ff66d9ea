// The files that PID 1 still holds once it only waits.
#pragma once

#include "start.h"

namespace runi {

// Closes every descriptor but 0, 1, 2 and pidfd, and leaves the working directory: PID 1 lives as long as the
// container, and would pin files, locks, pipes and a mount that long. 0, 1 and 2 stay, because programs write
// to /proc/1/fd/1; if they are a terminal, only its name stays, unless the init `speaks`.
void let_go(const Place& place, int pidfd, bool speaks);

}  // namespace runi
