#include "sandbox.h"

#include "kernel.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

namespace runi {
namespace {

// Of generate_filter.cc.
constexpr sock_filter kFilter[] = {
#if defined(__x86_64__)
#include "filter_x86_64.inc"
#elif defined(__aarch64__)
#include "filter_aarch64.inc"
#endif
};

}  // namespace

void enter_sandbox() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2];
  // Whoever has none keeps the credentials that it shares with others: a copy takes memory. Ambient
  // capabilities go with the inheritable ones (capabilities(7)).
  if (kernel::call(__NR_capget, kernel::word(&header), kernel::word(sets)) == 0 &&
      (sets[0].permitted | sets[1].permitted | sets[0].inheritable | sets[1].inheritable) != 0) {
    sets[0].effective &= 1U << CAP_KILL;
    sets[0].permitted &= 1U << CAP_KILL;
    sets[0].inheritable = 0;
    sets[1] = {};
    kernel::call(__NR_capset, kernel::word(&header), kernel::word(sets));
  }
  kernel::call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const sock_fprog program = {sizeof kFilter / sizeof *kFilter, const_cast<sock_filter*>(kFilter)};
  kernel::call(__NR_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, kernel::word(&program));
}

}  // namespace runi
