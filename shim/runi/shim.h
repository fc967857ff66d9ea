// runi's way through: command line, configuration, config.json, and then the real runtime in this process.
#pragma once

#include "core/result.h"

namespace runi {

// Runs runi with the program's own argv (null-terminated). Does not return when all goes well.
// Errors: what kept the runtime from being started. It has been written to the log file that the command line
// names; printing it is the caller's.
Error run(int argc, char** argv);

}  // namespace runi
