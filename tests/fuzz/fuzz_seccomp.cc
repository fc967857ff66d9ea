// Seccomp profiles: what is expected of one is what the filter that libseccomp makes of it does.
#include "input.h"
#include "oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string fault = runi::find_seccomp_fault(runi::make_profile(data, size));
  runi::require(fault.empty(), fault);
  return 0;
}
