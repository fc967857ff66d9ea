// runi's way through: command line, configuration, config.json, and then the real runtime in this process.
#pragma once

#include "core/result.h"

namespace runi {

// Runs runi with the program's own argv (null-terminated). Returns only with the error that kept the runtime
// from being started. The engine's log has it already; the caller prints it.
Error run(int argc, char** argv);

}  // namespace runi
