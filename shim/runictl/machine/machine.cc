#include "runictl/machine/machine.h"

#include "core/path.h"
#include "runictl/machine/programs.h"
#include "system/error.h"
#include "system/files.h"
#include "system/programs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

namespace runi {
namespace {

std::string real_path(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = readlink(path.c_str(), buffer.data(), buffer.size());
  return length <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(length));
}

// Whether both are one directory, seen through one mount. Kernels before 5.8 do not tell the mount.
bool is_same_place(const Fd& a, const Fd& b) {
  struct statx of_a {};
  struct statx of_b {};
  const auto look = [](const Fd& fd, struct statx& status) {
    return statx(fd.number(), "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &status) == 0;
  };
  if (!look(a, of_a) || !look(b, of_b)) return false;
  const bool same_file = of_a.stx_ino == of_b.stx_ino && of_a.stx_dev_major == of_b.stx_dev_major &&
                         of_a.stx_dev_minor == of_b.stx_dev_minor;
  return same_file && of_a.stx_mnt_id == of_b.stx_mnt_id;
}

}  // namespace

Result<Machine> Machine::at(const std::string& root) {
  Machine machine;
  machine.root_ = Fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!machine.root_.is_open()) return last_error("open");
  const Fd own(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  machine.is_this_ = own.is_open() && is_same_place(machine.root_, own);
  // The root of another mount namespace, as behind /proc/PID/root, calls itself "/" too.
  const std::string prefix = real_path(proc_path(machine.root_.number()));
  if (prefix != "/") machine.prefix_ = prefix;
  return machine;
}

Result<Fd> Machine::open(const std::string& path, int flags) const {
  Fd fd;
  flags |= (flags & O_PATH) != 0 ? O_CLOEXEC : kOpenFlags;  // openat2(2) takes no others with O_PATH
  if (is_this_) {
    fd = Fd(::open(path.c_str(), flags));
  } else {
    open_how how{};
    how.flags = static_cast<decltype(how.flags)>(flags);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    fd = Fd(static_cast<int>(syscall(SYS_openat2, root_.number(), path.c_str(), &how, sizeof how)));
  }
  if (!fd.is_open()) return last_error("open");
  return fd;
}

Result<std::optional<Found>> Machine::find(const std::string& path) const {
  Found found;
  auto opened = open(path, O_PATH);
  if (!opened) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<Found>{};
    return opened.error();
  }
  found.fd = std::move(*opened);
  struct stat status {};
  if (fstat(found.fd.number(), &status) < 0) return last_error("stat");
  found.identity = {status.st_dev, status.st_ino};
  found.mode = status.st_mode;
  found.uid = status.st_uid;
  found.handle = proc_path(found.fd.number());
  found.path = real_path(found.handle);
  if (found.path.starts_with(prefix_)) found.path.erase(0, prefix_.size());
  std::array<char, 256> label{};
  const ssize_t size = getxattr(found.handle.c_str(), "security.selinux", label.data(), label.size() - 1);
  if (size > 0) found.label = label.data();
  return std::optional<Found>(std::move(found));
}

Result<std::optional<std::string>> Machine::read(const std::string& path, std::size_t max_bytes) const {
  auto found = find(path);
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>{};
  // Opening a device may do something.
  if (!S_ISREG((*found)->mode)) return Error{"not a regular file"};
  return read_text((*found)->handle, max_bytes);
}

std::vector<std::string> Machine::names_in(const std::string& directory) const {
  std::vector<std::string> names;
  auto found = find(directory);
  if (!found || !*found) return names;
  DIR* entries = opendir((*found)->handle.c_str());
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries)) {  // NOLINT(concurrency-mt-unsafe): one thread
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(entries);
  std::sort(names.begin(), names.end());
  return names;
}

std::string find_runi() {
  std::vector<std::string> candidates;
  if (const std::string self = real_path(kSelf); !self.empty()) {
    candidates = {joined(directory_of(self), "runi"), joined(directory_of(self), "../sbin/runi")};
  }
  for (std::string& path : program_candidates("runi")) candidates.push_back(std::move(path));
  for (const std::string& candidate : candidates) {
    if (access(candidate.c_str(), X_OK) < 0) continue;
    std::array<char, PATH_MAX> buffer{};
    if (realpath(candidate.c_str(), buffer.data()) != nullptr) return buffer.data();
  }
  return kSelf;
}

Result<std::string> read_stdin(std::size_t max_bytes) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error("read");
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > max_bytes) return Error{"larger than " + std::to_string(max_bytes) + " bytes"};
  }
}

}  // namespace runi
