// What PID 1 still holds of files once it only waits.
#pragma once

#include "start.h"

namespace runi {

// Lets go of everything that would outlive its use in a process that runs as long as the container: files,
// locks and pipes behind descriptors, the mount below the working directory. 0, 1 and 2 stay, because
// programs write to /proc/1/fd/1, on a terminal by name only unless the init `speaks`; so does pidfd.
void let_go(const Place& place, int pidfd, bool speaks);

}  // namespace runi
