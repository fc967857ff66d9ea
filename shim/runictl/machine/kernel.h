// What this machine's kernel offers the init: tried.
#pragma once

#include "runictl/installation/facts.h"

namespace runi {

// Makes a process to see whether the kernel reaps orphans and keeps their status (pidfd, PIDFD_GET_INFO;
// Linux 6.15). Seccomp filters are asked for, not set: seccomp(2), SECCOMP_GET_ACTION_AVAIL.
[[nodiscard]] KernelFacts try_kernel();

}  // namespace runi
