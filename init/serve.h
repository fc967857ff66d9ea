// PID 1's life from the start of the application to its end, and for -t a little longer.
#pragma once

#include "kernel.h"
#include "options.h"
#include "start.h"

namespace runi {

constexpr int kExitInitError = 125;  // our own, as docker's

// Whether the calls that an init's life is made of work here; a seccomp profile may deny them.
[[nodiscard]] bool can_serve();

// Starts the program, forwards signals to it, reaps orphans, and ends as it ends; in pause mode, where there
// is no program, on SIGTERM and SIGINT. Returns only if no process can be made for the program. Uses next to
// no memory: gives back the stack beyond the page that the caller's frame is on, up to `strings`, the lowest
// of those that /proc/1/cmdline and environ show; and the code that was only needed for the start. All
// signals must be blocked.
void serve(const Options& options, const Program* program, const Place& place, const char* strings,
           long page_size);

}  // namespace runi
