// What PID 1 gives up for good once the application runs.
#pragma once

namespace runi {

// Whether the kernel lets PID 1 send signals to processes of other users only in their name: without
// CAP_KILL, but with CAP_SETUID.
[[nodiscard]] bool must_borrow_user();

// Takes every capability out of effect but CAP_KILL, for a child that changes its user, or where a user is
// borrowed, CAP_SETUID; sets no_new_privs; and has the kernel deny every system call but those that serving
// takes, and so for good what could bring a capability back. They stay permitted, for who may trace or be
// traced by a process depends on that (ptrace_may_access() in kernel/ptrace.c, cap_ptrace_traceme() in
// security/commoncap.c): PID 1 is as hard to look into as without an init. At the end it is dumpable. What
// the kernel or the container's seccomp profile does not allow is left out. Nothing of it reaches other
// processes.
void enter_sandbox(bool borrows_user);

}  // namespace runi
