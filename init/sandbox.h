// The rights that PID 1 gives up for good once the application runs.
#pragma once

namespace runi {

// Whether PID 1 can send signals to processes of other users only as those users: without CAP_KILL, but with
// CAP_SETUID.
[[nodiscard]] bool must_borrow_user();

// Sets no_new_privs and has the kernel deny every system call that serving does not need. Capabilities are of
// no use then, but stay: which processes may look into PID 1, and into which PID 1 may look, depends on them
// (ptrace_may_access() in kernel/ptrace.c, cap_ptrace_traceme() in security/commoncap.c). At the end PID 1 is
// dumpable. A step that the kernel or the container's seccomp profile denies is left out. Other processes are
// not affected.
void enter_sandbox();

}  // namespace runi
