#include "sandbox.h"

#include "kernel.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

namespace runi {
namespace {

// Made by generate_filter.cc.
constexpr sock_filter kFilter[] = {
#if defined(__x86_64__)
#include "filter_x86_64.inc"
#elif defined(__aarch64__)
#include "filter_aarch64.inc"
#endif
};

}  // namespace

bool must_borrow_user() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  constexpr std::uint32_t kBoth = 1U << CAP_KILL | 1U << CAP_SETUID;
  return kernel::call(__NR_capget, kernel::word(&header), kernel::word(sets)) == 0 &&
         (sets[0].effective & kBoth) == 1U << CAP_SETUID;
}

void enter_sandbox() {
  const sock_fprog program = {sizeof kFilter / sizeof *kFilter, const_cast<sock_filter*>(kFilter)};
  kernel::call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  kernel::call(__NR_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, kernel::word(&program));
  // Not earlier: until now PID 1 could have been taken over.
  kernel::set_dumpable(true);
}

}  // namespace runi
