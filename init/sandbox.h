// What PID 1 gives up for good once the application runs.
#pragma once

namespace runi {

// Whether the kernel lets PID 1 send signals to processes of other users only in their name: without
// CAP_KILL, but with CAP_SETUID.
[[nodiscard]] bool must_borrow_user();

// Sets no_new_privs and has the kernel deny every system call but those that serving takes. That leaves the
// capabilities without use; they stay as they are, because which processes may look into PID 1, and which
// PID 1 may look into, depends on them (ptrace_may_access() in kernel/ptrace.c, cap_ptrace_traceme() in
// security/commoncap.c). At the end PID 1 is dumpable. What the kernel or the container's seccomp profile
// does not allow is left out. Nothing of it reaches other processes.
void enter_sandbox();

}  // namespace runi
