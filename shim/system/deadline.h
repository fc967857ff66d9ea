// Waiting, and not for ever.
#pragma once

#include <chrono>

namespace runi {

using Clock = std::chrono::steady_clock;

// As poll(2) wants it: not less than what is left, and never negative.
[[nodiscard]] int ms_until(Clock::time_point deadline);

// Whether the descriptor can be read, or has come to its end, before the deadline.
[[nodiscard]] bool wait_to_read(int fd, Clock::time_point deadline);

}  // namespace runi
