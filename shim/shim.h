// runi's way through: command line, configuration, config.json, and then the real runtime in this process.
#pragma once

#include "result.h"

#include <string_view>

namespace runi {

// What stands in the program's file before its version, and nowhere else: for those who look into the file,
// since the whole command line is the runtime's.
inline constexpr std::string_view kVersionMark = "runi.dev/version=";

// Runs runi with the program's own argv (null-terminated). Does not return when all goes well.
// Errors: what kept the runtime from being started. It has been written to the log file that the command line
// names; printing it is the caller's.
Error run(int argc, char** argv);

}  // namespace runi
