#include "system.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>

namespace runi {
namespace {

// Ours must not reach the runtime or the container; and nothing that runi opens may become its terminal.
constexpr int kOpenFlags = O_CLOEXEC | O_NOCTTY;

Error last_error(const std::string& operation) {
  return Error{operation + ": " + std::strerror(errno)};
}

struct Path {
  std::string directory;
  std::string name;
};

Path split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Result<std::string> read_all(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = pread(fd, bytes.data() + filled, size - filled, static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error("read");
    if (got == 0) break;  // it has shrunk meanwhile
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

// The whole content, and what fstat said of the file before.
Result<std::string> read_regular(int fd, struct stat& status, std::size_t max_bytes) {
  if (fstat(fd, &status) < 0) return last_error("stat");
  if (!S_ISREG(status.st_mode)) return Error{"not a regular file"};
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > max_bytes) return Error{"larger than " + std::to_string(max_bytes) + " bytes"};
  return read_all(fd, size);
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return last_error("write");
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

// While it lives, writing to a pipe without readers or beyond a size limit is an error and does not end the
// process. A handler that does nothing, unlike SIG_IGN, keeps what is pending from before.
class NoWriteSignals {
 public:
  NoWriteSignals() {
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};
    sigaction(SIGPIPE, &nothing, &pipe_);
    sigaction(SIGXFSZ, &nothing, &size_);
  }
  ~NoWriteSignals() {
    sigaction(SIGPIPE, &pipe_, nullptr);
    sigaction(SIGXFSZ, &size_, nullptr);
  }
  NoWriteSignals(const NoWriteSignals&) = delete;
  NoWriteSignals& operator=(const NoWriteSignals&) = delete;

 private:
  struct sigaction pipe_ {};
  struct sigaction size_ {};
};

Result<std::size_t> write_once(int fd, std::string_view bytes) {
  const NoWriteSignals no_write_signals;
  ssize_t put = 0;
  do {
    put = write(fd, bytes.data(), bytes.size());
  } while (put < 0 && errno == EINTR);
  if (put < 0) return last_error("write");
  return static_cast<std::size_t>(put);
}

// Half a line at the end of a full file system would be the beginning of somebody else's line. Not if that is
// there already.
void take_back(int fd, std::size_t written) {
  struct stat status {};
  const off_t end = lseek(fd, 0, SEEK_CUR);
  if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size != end) return;
  (void)ftruncate(fd, end - static_cast<off_t>(written));
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool same_version(const struct stat& a, const struct stat& b) {
  return same_file(a, b) && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

Result<std::string> get_attribute(int fd, const char* name) {
  std::string value(256, '\0');
  for (;;) {
    const ssize_t size = fgetxattr(fd, name, value.data(), value.size());
    if (size >= 0) {
      value.resize(static_cast<std::size_t>(size));
      return value;
    }
    if (errno != ERANGE || value.size() > XATTR_SIZE_MAX) return last_error(std::string("get xattr ") + name);
    value.resize(XATTR_SIZE_MAX + 1);
  }
}

Result<void> copy_attributes(int from, int to) {
  const ssize_t length = flistxattr(from, nullptr, 0);
  if (length == 0 || (length < 0 && errno == ENOTSUP)) return {};
  if (length < 0) return last_error("list xattrs");
  std::string names(static_cast<std::size_t>(length), '\0');
  const ssize_t listed = flistxattr(from, names.data(), names.size());
  if (listed < 0) return last_error("list xattrs");
  names.resize(static_cast<std::size_t>(listed));
  for (std::size_t at = 0; at < names.size(); at += std::strlen(&names[at]) + 1) {
    const char* name = &names[at];
    if (std::strcmp(name, "security.ima") == 0 || std::strcmp(name, "security.evm") == 0) continue;
    auto value = get_attribute(from, name);
    if (!value) return value.error();
    // A label that the new file inherited anyway need not, and often may not, be set.
    if (auto present = get_attribute(to, name); present && *present == *value) continue;
    if (fsetxattr(to, name, value->data(), value->size(), 0) < 0) {
      return last_error(std::string("set xattr ") + name);
    }
  }
  return {};
}

// Everything about the new file but its name.
Result<void> fill(int fd, const File& old, std::string_view bytes) {
  if (auto written = write_all(fd, bytes); !written) return written;
  struct stat status {};
  if (fstat(fd, &status) < 0) return last_error("stat");
  if ((status.st_uid != old.status.st_uid || status.st_gid != old.status.st_gid) &&
      fchown(fd, old.status.st_uid, old.status.st_gid) < 0) {
    return last_error("chown");
  }
  if (fchmod(fd, old.status.st_mode & 07777) < 0) return last_error("chmod");
  return copy_attributes(old.fd.number(), fd);
}

// Gives the nameless file a name. The name is the same for all, so that a process killed before the rename
// leaves at most one file, which the next one takes away; whole content has it from the start, so nobody can
// rename half a file into place.
Result<Replaced> link_as(const Fd& nameless, int directory, const std::string& name) {
  const std::string source = "/proc/self/fd/" + std::to_string(nameless.number());
  for (int attempt = 0; attempt < 16; ++attempt) {
    const int linked = linkat(AT_FDCWD, source.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW);
    if (linked == 0) return Replaced::yes;
    if (errno != EEXIST) return last_error("link " + name);
    unlinkat(directory, name.c_str(), 0);  // gone already, or the next link tells
  }
  return Replaced::changed;
}

// A file of the final content beside the old one, under the name it is then renamed from.
Result<Replaced> put_beside(const File& old, std::string_view bytes, std::string& name) {
  const int directory = old.directory.number();
  if (const Fd nameless(openat(directory, ".", O_TMPFILE | O_WRONLY | kOpenFlags, 0600));
      nameless.is_open()) {
    if (auto filled = fill(nameless.number(), old, bytes); !filled) return filled.error();
    auto linked = link_as(nameless, directory, name);
    if (linked) return linked;
    // No /proc, or no links on this file system: with a name from the start, then.
  }
  name += "." + std::to_string(getpid());
  unlinkat(directory, name.c_str(), 0);  // of a dead process that had this id
  const Fd named(
      openat(directory, name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | kOpenFlags, 0600));
  if (!named.is_open()) return last_error("create " + name);
  if (auto filled = fill(named.number(), old, bytes); !filled) {
    unlinkat(directory, name.c_str(), 0);
    return filled.error();
  }
  return Replaced::yes;
}

// Opens a path as the container would see it, its links resolved below `root`; without following any at all
// where `resolve` adds RESOLVE_NO_SYMLINKS. glibc has no wrapper for openat2(2).
Fd open_in_root(int root, const std::string& path, std::uint64_t resolve) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | resolve;
  return Fd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// Mounts whose destination leads through a symbolic link may land on a directory that the init's mount point
// would then be made in: that of the container's author, or the host's.
void find_aliases(int root, const struct stat& root_status, const Spec& spec, Rootfs& rootfs) {
  struct stat dev {};
  struct stat run {};
  const bool has_dev = fstatat(root, "dev", &dev, AT_SYMLINK_NOFOLLOW) == 0;
  const bool has_run = fstatat(root, "run", &run, AT_SYMLINK_NOFOLLOW) == 0;
  rootfs.dev_is_aliased = has_dev && S_ISLNK(dev.st_mode);
  rootfs.run_is_aliased = has_run && S_ISLNK(run.st_mode);
  for (const Mount& mount : spec.mounts) {
    const std::string destination(mount.destination);
    if (open_in_root(root, destination, RESOLVE_NO_SYMLINKS).is_open() || errno != ELOOP) continue;
    const Fd landing = open_in_root(root, destination, 0);
    struct stat status {};
    if (!landing.is_open() || fstat(landing.number(), &status) < 0) {
      // It leads to something that the runtime has yet to make, perhaps the missing /dev or /run itself.
      const Path end = split(destination);
      const Fd parent = open_in_root(root, end.directory, 0);
      if (!parent.is_open()) continue;
      struct stat link {};
      const bool anywhere = fstatat(parent.number(), end.name.c_str(), &link, AT_SYMLINK_NOFOLLOW) == 0;
      const bool at_root = fstat(parent.number(), &status) == 0 && same_file(status, root_status);
      rootfs.dev_is_aliased |= !has_dev && (anywhere || (at_root && end.name == "dev"));
      rootfs.run_is_aliased |= !has_run && (anywhere || (at_root && end.name == "run"));
      continue;
    }
    rootfs.root_is_aliased |= same_file(status, root_status);
    rootfs.dev_is_aliased |= has_dev && same_file(status, dev);
    rootfs.run_is_aliased |= has_run && same_file(status, run);
  }
}

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "runi-init exists for x86-64 and arm64"
#endif

// ld.so(8): a program that needs a dynamic loader names it in a PT_INTERP segment; in the container that
// loader would be the image's, or missing.
Result<void> check_static(int fd) {
  auto head = read_all(fd, 4096);
  if (!head) return head.error();
  Elf64_Ehdr header{};
  if (head->size() < sizeof header) return Error{"not an ELF program"};
  std::memcpy(&header, head->data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64) {
    return Error{"not a 64-bit ELF program"};
  }
  if (header.e_machine != kMachine) return Error{"built for another architecture than this machine's"};
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const std::size_t at = header.e_phoff + i * sizeof segment;
    if (at > head->size() - sizeof segment) return Error{"its ELF program headers are not at its start"};
    std::memcpy(&segment, head->data() + at, sizeof segment);
    if (segment.p_type == PT_INTERP) return Error{"needs a dynamic loader; it must be a static program"};
  }
  return {};
}

// Without symbolic links; as it is where it cannot be resolved.
std::string resolve(const std::string& path) {
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result = resolved;
  std::free(resolved);
  return result;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) close(number_);
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (number_ >= 0) close(number_);
}

Result<std::optional<std::string>> read_text(const std::string& path, std::size_t max_bytes) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | kOpenFlags));
  if (!fd.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>{};
    return last_error("open");
  }
  struct stat status {};
  auto text = read_regular(fd.number(), status, max_bytes);
  if (!text) return text.error();
  return std::optional<std::string>(std::move(*text));
}

Result<std::optional<File>> read_file(const std::string& path, std::size_t max_bytes) {
  const Path split_path = split(path);
  File file;
  file.name = split_path.name;
  file.directory = Fd(open(split_path.directory.c_str(), O_PATH | O_DIRECTORY | kOpenFlags));
  if (!file.directory.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<File>{};
    return last_error("open its directory");
  }
  // O_NONBLOCK: opening a FIFO would wait for a writer.
  file.fd =
      Fd(openat(file.directory.number(), file.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | kOpenFlags));
  if (!file.fd.is_open()) {
    if (errno == ENOENT) return std::optional<File>{};
    if (errno == ELOOP) return Error{"a symbolic link, not a regular file"};
    return last_error("open");
  }
  auto bytes = read_regular(file.fd.number(), file.status, max_bytes);
  if (!bytes) return bytes.error();
  file.bytes = std::move(*bytes);
  return std::optional<File>(std::move(file));
}

Result<Replaced> replace_file(const File& file, std::string_view bytes) {
  const int directory = file.directory.number();
  std::string name = "." + file.name + ".runi";
  auto beside = put_beside(file, bytes, name);
  if (!beside || *beside == Replaced::changed) return beside;
  struct stat now {};
  if (fstatat(directory, file.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) < 0 ||
      !same_version(now, file.status)) {
    unlinkat(directory, name.c_str(), 0);
    return Replaced::changed;
  }
  if (renameat(directory, name.c_str(), directory, file.name.c_str()) == 0) return Replaced::yes;
  if (errno == ENOENT) return Replaced::changed;  // another process has renamed or removed ours
  const Error error = last_error("rename " + name);
  unlinkat(directory, name.c_str(), 0);
  return error;
}

std::vector<std::string> runtime_candidates(std::string_view search_path) {
  std::vector<std::string_view> systems(std::begin(kProgramDirectories), std::end(kProgramDirectories));
  systems.push_back("/usr/libexec/crio");
  std::vector<std::string_view> callers;
  while (!search_path.empty()) {
    const auto colon = std::min(search_path.find(':'), search_path.size());
    if (search_path.starts_with('/')) callers.push_back(search_path.substr(0, colon));
    search_path.remove_prefix(std::min(colon + 1, search_path.size()));
  }
  std::vector<std::string> candidates;
  for (const auto& directories : {systems, callers}) {
    for (const std::string_view name : kRuntimeNames) {
      for (const std::string_view directory : directories) {
        candidates.push_back(std::string(directory) + "/" + std::string(name));
      }
    }
  }
  return candidates;
}

std::string_view caller_path() {
  const char* const path = std::getenv("PATH");
  return path == nullptr ? std::string_view() : path;
}

Result<std::string> find_runtime(const std::string& runi, std::string_view search_path) {
  for (std::string& path : runtime_candidates(search_path)) {
    if (access(path.c_str(), X_OK) == 0 && check_runtime(path, runi)) return std::move(path);
  }
  return Error{
      "no OCI runtime found: neither runc nor crun is in /usr/local/sbin, /usr/local/bin, /usr/sbin, "
      "/usr/bin, /sbin, /bin, /usr/libexec/crio or the caller's PATH; install one, or name one as "
      "\"runtime\" in the "
      "configuration"};
}

Result<void> check_runtime(const std::string& path, const std::string& runi) {
  struct stat status {};
  if (stat(path.c_str(), &status) < 0) return last_error("runtime " + path);
  struct stat self {};
  if (stat(runi.c_str(), &self) == 0 && same_file(self, status)) {
    return Error{"runtime " + path + ": is runi itself; name the real runtime's path"};
  }
  return {};
}

Result<void> check_init(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | kOpenFlags));
  if (!fd.is_open()) return last_error("open");
  struct stat status {};
  if (fstat(fd.number(), &status) < 0) return last_error("stat");
  if (!S_ISREG(status.st_mode)) return Error{"not a regular file"};
  if ((status.st_mode & 0555) != 0555) return Error{"not for all to read and execute; run chmod 0755 on it"};
  if ((status.st_mode & 0022) != 0) return Error{"writable by others than its owner; run chmod 0755 on it"};
  struct statvfs filesystem {};
  if (fstatvfs(fd.number(), &filesystem) == 0 && (filesystem.f_flag & ST_NOEXEC) != 0) {
    return Error{"its file system is mounted noexec; install it elsewhere"};
  }
  return check_static(fd.number());
}

std::string directory_of(const std::string& program) {
  if (program != kSelf) return split(program).directory;
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = readlink(kSelf, buffer.data(), buffer.size());
  if (length <= 0) return "/usr/bin";
  return split(std::string(buffer.data(), static_cast<std::size_t>(length))).directory;
}

std::array<std::string, 2> init_candidates(const std::string& runi) {
  const std::string directory = directory_of(runi);
  return {directory + "/runi-init", split(directory).directory + "/libexec/runi/runi-init"};
}

Result<std::string> find_init(const std::string& configured, const std::string& runi) {
  if (!configured.empty()) {
    if (auto checked = check_init(configured); !checked) {
      return with_context("init " + configured, checked.error());
    }
    return resolve(configured);
  }
  const auto candidates = init_candidates(runi);
  for (const std::string& path : candidates) {
    if (access(path.c_str(), F_OK) < 0) continue;
    if (auto checked = check_init(path); !checked) return with_context("init " + path, checked.error());
    return resolve(path);
  }
  return Error{"init not found: neither " + candidates[0] + " nor " + candidates[1] +
               " exists; install runi-init there, or name it as \"init\": {\"path\"} in the configuration"};
}

Rootfs look_at_rootfs(const std::string& bundle, const Spec& spec) {
  Rootfs rootfs;
  if (spec.root_path.empty()) return rootfs;
  const std::string path(spec.root_path);
  const Fd root(
      open((path.front() == '/' ? path : bundle + "/" + path).c_str(), O_PATH | O_DIRECTORY | kOpenFlags));
  struct stat status {};
  struct statvfs filesystem {};
  if (!root.is_open() || fstat(root.number(), &status) < 0 || fstatvfs(root.number(), &filesystem) < 0) {
    return rootfs;
  }
  rootfs.known = true;
  rootfs.writable = (filesystem.f_flag & ST_RDONLY) == 0;
  rootfs.owner_uid = status.st_uid;
  rootfs.owner_gid = status.st_gid;
  struct stat target {};
  rootfs.target_exists = fstatat(root.number(), kRootfsTarget.data() + 1, &target, AT_SYMLINK_NOFOLLOW) == 0;
  rootfs.target_is_file = rootfs.target_exists && S_ISREG(target.st_mode);
  find_aliases(root.number(), status, spec, rootfs);
  return rootfs;
}

Result<void> append_line(const std::string& path, const std::string& line, mode_t mode) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | kOpenFlags, mode));
  if (!fd.is_open()) return last_error("open");
  auto written = write_once(fd.number(), line + "\n");
  if (!written) return written.error();
  if (*written == line.size() + 1) return {};
  take_back(fd.number(), *written);
  return Error{"write: no room for the whole line"};
}

void print_error(const std::string& line) {
  (void)write_all(STDERR_FILENO, line + "\n");  // a caller without stderr is not to fail for that
}

Result<void> send_to_syslog(int priority, const std::string& text) {
  const std::string message = "<" + std::to_string(priority) + ">" + text;
  const sockaddr_un address{AF_UNIX, "/dev/log"};
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const Fd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) return last_error("socket");
    if (connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
      if (errno == EPROTOTYPE && type == SOCK_DGRAM) continue;  // some daemons listen for streams
      return last_error("connect to /dev/log");
    }
    const std::size_t size = message.size() + (type == SOCK_STREAM ? 1 : 0);  // there a NUL ends it
    const ssize_t put = send(fd.number(), message.c_str(), size, MSG_NOSIGNAL);
    return put < 0 ? last_error("send to /dev/log") : Result<void>{};
  }
  return {};
}

void try_stderr(const std::string& line) {
  // Not by O_NONBLOCK: the caller and the runtime share the descriptor's flags. A pipe that is ready takes
  // PIPE_BUF bytes.
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT) (void)write_once(STDERR_FILENO, line + "\n");
}

std::uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

Error become(const std::string& path, char** argv) {
  // The caller's own array: nothing but its first pointer changes.
  argv[0] = const_cast<char*>(path.c_str());
  execv(path.c_str(), argv);
  return last_error("exec " + path);
}

}  // namespace runi
