// Writes the seccomp filter of runi-init's self-sandbox for one architecture, as bytes for an array's
// initialiser: it allows what serve.cc and shield.cc call from then on, and answers anything else with EPERM.
// Run by the build.
#include "pidfd_info.h"

#include <linux/ptrace.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::uint64_t kUnchanged = ~std::uint64_t{0};  // setresuid(2): -1

constexpr int kAllowed[] = {
    SCMP_SYS(clock_gettime),   SCMP_SYS(exit_group),      SCMP_SYS(getpgid),     SCMP_SYS(kill),
    SCMP_SYS(madvise),         SCMP_SYS(ppoll),           SCMP_SYS(pread64),     SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sched_yield), SCMP_SYS(waitid),
    SCMP_SYS(writev),
};

// Calls that are allowed with one value of one argument: its index and that value.
constexpr struct {
  int number;
  unsigned argument;
  std::uint64_t value;
} kAllowedWith[] = {
    {SCMP_SYS(ioctl), 1, runi::kernel::kPidfdGetInfo},
    {SCMP_SYS(prctl), 0, PR_SET_DUMPABLE},
    {SCMP_SYS(ptrace), 0, PTRACE_DETACH},
    {SCMP_SYS(setresuid), 1, kUnchanged},  // the real user
};

void check(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "generate_filter: %s: %s\n", what, std::strerror(-result));
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: generate_filter x86_64|aarch64\n");
    return 2;
  }
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  const std::uint32_t architecture = seccomp_arch_resolve_name(argv[1]);
  if (filter == nullptr || architecture == 0) check(-EINVAL, argv[1]);
  if (architecture != seccomp_arch_native()) {
    check(seccomp_arch_add(filter, architecture), "add architecture");
    check(seccomp_arch_remove(filter, seccomp_arch_native()), "remove native architecture");
  }
  // A tree, not a list: installing a filter takes most of its time to run it for every system call there is
  // (seccomp_cache_prepare() in kernel/seccomp.c).
  check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
  // Calls of another architecture are of no use to the init, but must not end it either.
  check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM)), "bad architecture");
  for (const int number : kAllowed) check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0), "allow");
  for (const auto& call : kAllowedWith) {
    const scmp_arg_cmp condition = {call.argument, SCMP_CMP_EQ, call.value, 0};
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call.number, 1, condition), "allow with an argument");
  }

  std::FILE* const bytes = std::tmpfile();
  if (bytes == nullptr) check(-errno, "temporary file");
  check(seccomp_export_bpf(filter, fileno(bytes)), "export");
  seccomp_release(filter);
  std::rewind(bytes);
  // One instruction a line: struct sock_filter of linux/filter.h, in the byte order of both architectures.
  struct {
    std::uint16_t code;
    std::uint8_t jump_true;
    std::uint8_t jump_false;
    std::uint32_t value;
  } instruction;
  while (std::fread(&instruction, sizeof instruction, 1, bytes) == 1) {
    std::printf("{0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.jump_true,
                instruction.jump_false, instruction.value);
  }
  return 0;
}
