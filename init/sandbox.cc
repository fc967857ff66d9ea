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

struct Capabilities {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};

  // Returns whether it could be done.
  bool read() { return kernel::call(__NR_capget, kernel::word(&header), kernel::word(sets)) == 0; }
  void write() { kernel::call(__NR_capset, kernel::word(&header), kernel::word(sets)); }
};

}  // namespace

bool must_borrow_user() {
  Capabilities own;
  return own.read() && (own.sets[0].effective & (1U << CAP_KILL)) == 0 &&
         (own.sets[0].effective & (1U << CAP_SETUID)) != 0;
}

void enter_sandbox(bool borrows_user) {
  Capabilities own;
  // Whoever has none keeps the credentials that it shares with others: a copy takes memory. Ambient
  // capabilities go with the inheritable ones (capabilities(7)).
  if (own.read() && (own.sets[0].permitted | own.sets[1].permitted | own.sets[0].inheritable |
                     own.sets[1].inheritable) != 0) {
    own.sets[0].effective &= 1U << (borrows_user ? CAP_SETUID : CAP_KILL);
    own.sets[1].effective = 0;
    own.sets[0].inheritable = 0;
    own.sets[1].inheritable = 0;
    own.write();
  }
  kernel::call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const sock_fprog program = {sizeof kFilter / sizeof *kFilter, const_cast<sock_filter*>(kFilter)};
  kernel::call(__NR_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, kernel::word(&program));
  // Not before: until now it could have been taken over.
  kernel::set_dumpable(true);
}

}  // namespace runi
