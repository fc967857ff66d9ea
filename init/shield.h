// What /proc tells of the application, and so whether a signal would reach it if it were PID 1.
#pragma once

#include "kernel.h"
#include "options.h"

namespace runi {

struct Application {
  long pid = 0;
  int status_file = -1;   // its /proc/PID/status and wchan, where they are wanted and can be had
  int wait_file = -1;     //
  Signals waited = 0;     // what it blocks on purpose, or waits for
  Signals unhandled = 0;  // what was forwarded though it would not handle it
};

// Opens the files that the functions below read: what the shield needs, or for its user alone. None where
// /proc shows another PID namespace than the init's, in which the init's number is `self`.
void open_files(Application& application, long self, bool for_shield);

// What matters for a signal, of /proc/PID/status (proc(5)).
struct Facts {
  char state = '?';  // R runs or could, S sleeps, D too but for no signal, Z its first thread has ended
  long sleeps = 0;   // how often it has slept
  Signals blocked = 0;
  Signals handled = 0;
  long user = -1;  // the real one
  long tracer = 0;
};

// Returns whether all of it could be had, of an application that is alive.
[[nodiscard]] bool read_facts(int status_file, Facts& facts);

// Whether a signal, which came as `from` and is to be forwarded as `to`, goes on to the application. What the
// kernel would drop if the application were PID 1 (sig_task_ignored() and get_signal() in kernel/signal.c)
// does not, but for `stops`, the signals that are to stop the container, and for SIGCONT, which acts all the
// same. `facts` are the application's, and are read anew for as long as they leave it open.
[[nodiscard]] bool passes_shield(Application& application, Signals stops, Facts& facts, int from, int to);

}  // namespace runi
