// PIDFD_GET_INFO, ioctl(2) on a pidfd: what it is called with. Kernel headers older than Linux 6.13 have none
// of it.
#pragma once

#include <asm/ioctl.h>

#include <cstdint>

namespace runi::kernel {

// What it fills in: struct pidfd_info of include/uapi/linux/pidfd.h, as long as it was in Linux 6.13, its
// first; newer kernels take that, too.
struct ProcessInfo {
  std::uint64_t mask;  // in: what is wanted; out: what there is
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;  // as wait(2) tells it
};
static_assert(sizeof(ProcessInfo) == 64);
constexpr std::uint32_t kPidfdGetInfo = _IOWR(0xFF, 11, ProcessInfo);
static_assert(kPidfdGetInfo == 0xC040FF0B, "the same on all architectures");
constexpr std::uint64_t kPidfdInfoPid = 1U << 0;
constexpr std::uint64_t kPidfdInfoExit = 1U << 3;  // since Linux 6.15

}  // namespace runi::kernel
