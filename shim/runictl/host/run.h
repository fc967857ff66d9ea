// Runs a machine's programs in its root directory.
#pragma once

#include "core/result.h"
#include "runictl/machine/machine.h"

#include <string>
#include <vector>

namespace runi {

struct Ran {
  int status = 0;  // the exit status; of a signal 128 and its number
  std::string output;
  std::string message;    // what it has written to stderr, of much only the end
  std::string last_line;  // of that
};

// Runs argv[0], a path of the machine, to its end, with an empty stdin and a PATH of the system's
// directories. Its root directory is that of the machine, which takes CAP_SYS_CHROOT where that is not this
// process's own. Errors: it cannot be started; it is not done within `timeout_s`; it writes more than 16 MiB.
Result<Ran> run_in(const Machine& machine, const std::vector<std::string>& argv, int timeout_s);

// The same, and its output. Errors: it ends with another status than 0, too, with its last line.
Result<std::string> output_of(const Machine& machine, const std::vector<std::string>& argv, int timeout_s);

}  // namespace runi
