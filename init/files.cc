#include "files.h"

#include "kernel.h"
#include "text.h"

namespace runi {
namespace {

constexpr int kUsualLimit = 1024;  // RLIMIT_NOFILE as most programs have it

// Closes every descriptor from 3 on but keep: without close_range(2) (before Linux 5.9, or denied) one by
// one, as far as is affordable.
void close_files(int keep) {
  const unsigned kept = keep < 3 ? 2 : static_cast<unsigned>(keep);
  if ((kept <= 3 || kernel::close_range(3, kept - 1) == 0) && kernel::close_range(kept + 1, ~0U) == 0) return;
  for (int fd = 3; fd < kUsualLimit; ++fd) {
    if (fd != keep) kernel::close(fd);
  }
}

// Leaves open no more than the file's name: who writes to /proc/1/fd/1 opens it anew. A terminal is the
// application's now. Held open, criu would save it with the session of the first process that has it, PID 1,
// which is none, and only the restore would fail.
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
