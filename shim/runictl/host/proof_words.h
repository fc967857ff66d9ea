// What the end of the program in a proof's container says.
#pragma once

#include "core/result.h"

#include <string>

namespace runi {

// `more` is added where the program did not judge. Errors: PID 1 was not runi-init, or the program did not
// say so.
Result<void> judge_proof(int exit_code, const std::string& more);

}  // namespace runi
