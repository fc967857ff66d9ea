// Seccomp profiles: what is expected of one is what the filter that libseccomp makes of it does.
#include "oracle.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string fault = runi::find_seccomp_fault(runi::make_profile(data, size));
  if (!fault.empty()) {
    std::fprintf(stderr, "%s\n", fault.c_str());
    std::abort();
  }
  return 0;
}
