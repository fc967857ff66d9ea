#include "files.h"

#include "kernel.h"
#include "text.h"

namespace runi {
namespace {

constexpr int kUsualLimit = 1024;  // RLIMIT_NOFILE as most programs have it

// Closes every descriptor from 3 on except keep. Without close_range(2) (before Linux 5.9, or denied) one by
// one, as far up as is affordable.
void close_files(int keep) {
  const unsigned kept = keep < 3 ? 2 : static_cast<unsigned>(keep);
  if ((kept <= 3 || kernel::close_range(3, kept - 1) == 0) && kernel::close_range(kept + 1, ~0U) == 0) return;
  for (int fd = 3; fd < kUsualLimit; ++fd) {
    if (fd != keep) kernel::close(fd);
  }
}

// Holds no more than the file's name (O_PATH): programs that write to /proc/1/fd/1 open it anew. The terminal
// is the application's now. If PID 1 held it open, criu would save it with PID 1's session, which has no
// terminal, and only the restore would fail.
void hold_by_name(int fd) {
  Numbered path;
  const long name = kernel::open(path.set("/proc/self/fd/", static_cast<unsigned>(fd)), O_PATH);
  if (name >= 0) kernel::replace_file(name, fd);
}

}  // namespace

void let_go(const Place& place, int pidfd, bool speaks) {
  if (place.kind == Place::Kind::own_session && place.terminal >= 0 && !speaks) {
    for (int fd = 0; fd <= 2; ++fd) hold_by_name(fd);
  }
  if (place.opened) kernel::close(place.terminal);
  close_files(pidfd);
  kernel::chdir("/");
}

}  // namespace runi
