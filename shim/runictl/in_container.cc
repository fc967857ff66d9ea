#include "runictl/commands.h"
#include "runictl/containers/proc_files.h"
#include "runictl/host/proof.h"
#include "runictl/machine/procfs.h"

#include <unistd.h>

namespace runi {

Result<int> in_container() {
  constexpr std::size_t kMaxStatus = 16 << 10;
  if (getpid() == 1) return kIsPid1;
  const auto proc = Procfs::open("/proc");
  if (!proc) return proc.error();
  const auto first = parse_status(proc->read(1, "status", kMaxStatus));
  if (!first) return Error{"/proc/1/status: cannot be read"};
  return first->name == "runi-init" || first->name == ".runi-init" ? 0 : kOtherInit;
}

}  // namespace runi
