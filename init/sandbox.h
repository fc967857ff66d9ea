// What PID 1 gives up for good once the application runs.
#pragma once

namespace runi {

// Drops every capability but CAP_KILL, of which it needs no more for a child that changes its user; sets
// no_new_privs; and has the kernel deny every system call but those that serving takes. What of it the kernel
// or the container's seccomp profile does not allow is left out. Nothing of it reaches other processes.
void enter_sandbox();

}  // namespace runi
