// The application of hack/bench init's containers, as small as a program can be. Ends at once; with an
// argument, writes a byte and sleeps until a signal ends it.
#include "../init/kernel.h"

extern "C" [[noreturn, gnu::used]] void runi_start(const long* stack) {
  using namespace runi;
  if (*stack < 2) kernel::exit(0);
  const iovec ready = {const_cast<char*>("r"), 1};
  kernel::writev(1, &ready, 1);
  for (;;) kernel::poll(nullptr, 0, nullptr);
}
