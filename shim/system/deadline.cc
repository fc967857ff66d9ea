#include "system/deadline.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace runi {

int ms_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<long>(left, 0));
}

bool wait_to_read(int fd, Clock::time_point deadline) {
  for (;;) {
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, ms_until(deadline));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace runi
