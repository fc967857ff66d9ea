// PID 1's life from the start of the application to its end, or to the end of what that leaves behind.
#pragma once

#include "kernel.h"
#include "options.h"
#include "start.h"

namespace runi {

constexpr int kExitInitError = 125;  // our own, as docker's

// Whether the system calls that an init cannot do without work here; a seccomp profile may deny them.
[[nodiscard]] bool can_serve();

// Starts the program, forwards signals to it, reaps orphans, and ends as it ends; without a program (-P) it
// ends on SIGTERM or SIGINT. Returns only if no process can be made for the program. Uses next to no memory:
// gives back the code that only the start needed, and the stack above the page of its own frame up to
// `strings`, the lowest of those that /proc/1/cmdline and environ show. All signals must be blocked.
void serve(const Options& options, const Program* program, const Place& place, const char* strings,
           long page_size);

}  // namespace runi
