#include "system/system.h"

#include "core/json.h"
#include "system/init_image.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
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
#include <functional>
#include <iterator>
#include <map>

namespace runi {
namespace {

// Ours must not reach the runtime or the container; and nothing that runi opens may become its terminal.
constexpr int kOpenFlags = O_CLOEXEC | O_NOCTTY;

Error last_error(const std::string& operation) {
  return Error{operation + ": " + std::strerror(errno)};
}

constexpr const char* kNotRegular = "not a regular file";

// Nothing is there, or nothing that could have the name.
bool is_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
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
  if (!S_ISREG(status.st_mode)) return Error{kNotRegular};
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > max_bytes) return Error{"larger than " + std::to_string(max_bytes) + " bytes"};
  return read_all(fd, size);
}

// Takes back the signal that a write has sent to this thread. One that was pending before stays.
void take_signal(int signal, bool pending_before) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, signal);
  const timespec at_once{};
  sigtimedwait(&signals, nullptr, &at_once);  // the thread's before the process's
  sigpending(&signals);
  if (pending_before && sigismember(&signals, signal) == 0) raise(signal);
}

// As write(2), but no signal ends or stops the process for it: SIGPIPE where nobody reads, SIGXFSZ beyond a
// size limit, SIGTTOU on a terminal that is another group's. While they are blocked the last is not even
// raised, and of the others, one that the write has raised is taken back: the runtime inherits actions, mask
// and pending signals as they were.
ssize_t write_quietly(int fd, std::string_view bytes) {
  sigset_t raised;
  sigset_t mask;
  sigset_t before;
  sigemptyset(&raised);
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU}) sigaddset(&raised, signal);
  pthread_sigmask(SIG_BLOCK, &raised, &mask);
  sigpending(&before);
  ssize_t put = 0;
  do {
    put = write(fd, bytes.data(), bytes.size());
  } while (put < 0 && errno == EINTR);
  const int error = errno;
  if (put < 0 && error == EPIPE) take_signal(SIGPIPE, sigismember(&before, SIGPIPE) == 1);
  if (put < 0 && error == EFBIG) take_signal(SIGXFSZ, sigismember(&before, SIGXFSZ) == 1);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  errno = error;
  return put;
}

Result<std::size_t> write_once(int fd, std::string_view bytes) {
  const ssize_t put = write_quietly(fd, bytes);
  if (put < 0) return last_error("write");
  return static_cast<std::size_t>(put);
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = write_once(fd, bytes);
    if (!put) return put.error();
    bytes.remove_prefix(*put);
  }
  return {};
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

// A descriptor of O_PATH is none to read attributes from; by its path it is.
std::string path_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

Result<std::string> get_attribute(int fd, const char* name) {
  std::string value(256, '\0');
  for (;;) {
    ssize_t size = fgetxattr(fd, name, value.data(), value.size());
    if (size < 0 && errno == EBADF) size = getxattr(path_of(fd).c_str(), name, value.data(), value.size());
    if (size >= 0) {
      value.resize(static_cast<std::size_t>(size));
      return value;
    }
    if (errno != ERANGE || value.size() > XATTR_SIZE_MAX) return last_error(std::string("get xattr ") + name);
    value.resize(XATTR_SIZE_MAX + 1);
  }
}

// The names, each with a NUL after it.
Result<std::string> list_attributes(int fd) {
  std::string names(1024, '\0');
  const auto list = [&names, fd] {
    const ssize_t length = flistxattr(fd, names.data(), names.size());
    if (length >= 0 || errno != EBADF) return length;
    return listxattr(path_of(fd).c_str(), names.data(), names.size());
  };
  ssize_t length = list();
  if (length < 0 && errno == ERANGE) {
    names.resize(XATTR_LIST_MAX);
    length = list();
  }
  if (length < 0 && errno != ENOTSUP) return last_error("list xattrs");
  names.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return names;
}

// What a new file was given by its directory: a default ACL lets in more than the old file did.
Result<void> drop_inherited(int fd, const std::string& kept) {
  const auto names = list_attributes(fd);
  if (!names) return names.error();
  for (std::size_t at = 0; at < names->size(); at += std::strlen(&(*names)[at]) + 1) {
    const char* const name = &(*names)[at];
    bool keep = false;
    for (std::size_t i = 0; i < kept.size(); i += std::strlen(&kept[i]) + 1) {
      keep |= std::strcmp(&kept[i], name) == 0;
    }
    if (keep || fremovexattr(fd, name) == 0) continue;
    if (std::strcmp(name, "system.posix_acl_access") == 0) return last_error("remove the inherited ACL");
  }
  return {};
}

Result<void> copy_attributes(int from, int to, const std::string& names) {
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
  const auto names = list_attributes(old.fd.number());
  if (!names) return names.error();
  // Before the mode, which decides how much of an ACL is in force.
  if (auto dropped = drop_inherited(fd, *names); !dropped) return dropped;
  struct stat status {};
  if (fstat(fd, &status) < 0) return last_error("stat");
  if ((status.st_uid != old.status.st_uid || status.st_gid != old.status.st_gid) &&
      fchown(fd, old.status.st_uid, old.status.st_gid) < 0) {
    return last_error("chown");
  }
  if (fchmod(fd, old.status.st_mode & 07777) < 0) return last_error("chmod");
  return copy_attributes(old.fd.number(), fd, *names);
}

// Gives the nameless file a name. The name is the same for all, so that a process killed before the rename
// leaves at most one file, which the next one takes away; whole content has it from the start, so nobody can
// rename half a file into place.
Result<Replaced> link_as(const Fd& nameless, int directory, const std::string& name) {
  const std::string source = path_of(nameless.number());
  for (int attempt = 0; attempt < 16; ++attempt) {
    const int linked = linkat(AT_FDCWD, source.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW);
    if (linked == 0) return Replaced::yes;
    if (errno != EEXIST) return last_error("link " + name);
    if (unlinkat(directory, name.c_str(), 0) < 0 && errno != ENOENT) return last_error("remove " + name);
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
    // No /proc, no links on this file system, or something in the way that is no file: with a name from the
    // start, then, and another one.
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

// Links below /proc that lead out of it, or to another place for every process.
bool leads_out_of_proc(std::string_view name) {
  return name == "self" || name == "thread-self" || name == "mounts" || name == "net" ||
         name.find_first_not_of("0123456789") == std::string_view::npos;
}

// Finds where mounts land, one after the other: as the runtimes do, in the tree that the image and the mounts
// before make up. It follows the image's links and never leaves the root. It makes one call per part of a
// path, readlinkat(2), which every kernel has.
class Landings {
 public:
  Landings(int root, const std::string& bundle) : root_(root), bundle_(bundle) {}

  // The path without links and without a last slash, so that "" is the root. Errors: it cannot be known.
  Result<std::string> add(const Mount& mount) {
    auto landing = find(mount.destination);
    if (landing && mount.content != Content::of_covered) {
      mounted_.insert_or_assign(*landing, Mounted{++count_, &mount});
    }
    return landing;
  }

 private:
  static constexpr int kMostParts = 64;  // of a path and of the links on its way, all told

  struct Mounted {
    std::size_t number = 0;
    const Mount* mount = nullptr;
  };
  // What lies at a place: something of the last mount that covers it, or of the image.
  struct Ground {
    Mounted mounted;
    std::size_t begin = 0;  // where in the path the mount's own part begins
  };

  [[nodiscard]] Ground ground_of(std::string_view path) const {
    Ground ground;
    for (std::size_t end = 0;; end = std::min(path.find('/', end + 1), path.size())) {
      const auto found = mounted_.find(path.substr(0, end));
      if (found != mounted_.end() && found->second.number > ground.mounted.number) {
        ground = {found->second, end};
      }
      if (end == path.size()) return ground;
    }
  }

  // The link at a path whose parts before the last are none; nothing where there is none.
  Result<std::optional<std::string>> read_link(const std::string& path, const Ground& ground) const {
    int directory = root_;
    const char* place = path.c_str() + 1;
    std::string in_volume;
    if (const Mount* volume = ground.mounted.mount) {
      directory = AT_FDCWD;
      in_volume = std::string(volume->source) + path.substr(ground.begin);
      if (!volume->source.starts_with('/')) in_volume.insert(0, "/").insert(0, bundle_);
      place = in_volume.c_str();
    }
    std::array<char, 256> target{};
    const ssize_t length = readlinkat(directory, place, target.data(), target.size());
    if (length == static_cast<ssize_t>(target.size())) return Error{"a very long symbolic link"};
    if (length >= 0) {
      return std::optional<std::string>(std::string(target.data(), static_cast<std::size_t>(length)));
    }
    // What is missing the runtime makes; below a file it cannot.
    if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return last_error("read link");
  }

  // Where a part of a path leads that lies on this ground.
  Result<std::optional<std::string>> look_at(const std::string& path, std::string_view name,
                                             const Ground& ground) const {
    const Mount* const mount = ground.mounted.mount;
    if (mount == nullptr) return read_link(path, ground);
    if (mount->content == Content::of_source) {
      auto link = read_link(path, ground);
      // Whoever else has the volume may turn the link elsewhere at any moment.
      if (link && *link) return Error{"a symbolic link in a volume"};
      return link;
    }
    const bool plain = mount->content == Content::without_links ||
                       (mount->content == Content::proc && !leads_out_of_proc(name));
    if (plain) return std::optional<std::string>();
    return Error{"in a mount that is not there to be looked into yet"};
  }

  [[nodiscard]] Result<std::string> find(std::string_view destination) const {
    if (destination.size() >= PATH_MAX) return Error{"longer than a path can be"};
    std::string at;
    std::string next;
    std::string links;  // what the last one that was met leads to
    std::string_view rest = destination;
    for (int parts = 0; !rest.empty();) {
      const std::string_view name = rest.substr(0, rest.find('/'));
      rest.remove_prefix(std::min(name.size() + 1, rest.size()));
      if (name.empty() || name == ".") continue;
      if (++parts > kMostParts) return Error{"of too many parts, or through too many links"};
      if (name == "..") {
        at.erase(std::min(at.rfind('/'), at.size()));
        continue;
      }
      next.assign(at).append("/").append(name);
      auto link = look_at(next, name, ground_of(at));
      if (!link) return with_context(json::cite(next), link.error());
      if (!*link) {
        at.swap(next);
        continue;
      }
      if ((*link)->starts_with('/')) at.clear();
      (*link)->append("/").append(rest);
      links = std::move(**link);
      rest = links;
    }
    return at;
  }

  int root_;
  const std::string& bundle_;
  std::size_t count_ = 0;
  std::map<std::string, Mounted, std::less<>> mounted_;  // the last one at each landing
};

constexpr std::size_t kMostMounts = 10'000;  // no engine makes as many as a hundred

// Mounts whose destination leads through a symbolic link may land on a directory that the init's mount point
// would then be made in: that of the container's author, or the host's.
void find_aliases(int root, const std::string& bundle, const Spec& spec, Rootfs& rootfs) {
  const auto alias = [&rootfs](std::string_view path) {
    rootfs.root_is_aliased |= path.empty() || path == "/";
    rootfs.dev_is_aliased |= path == "/dev";
    rootfs.run_is_aliased |= path == "/run";
  };
  if (spec.mounts.size() > kMostMounts) {
    rootfs.doubt = "there are more mounts than are looked at, " + std::to_string(kMostMounts);
    return;
  }
  Landings landings(root, bundle);
  for (const Mount& mount : spec.mounts) {
    const auto landing = landings.add(mount);
    if (!landing) {
      rootfs.doubt = "where the mount " + json::cite(mount.destination) +
                     " lands cannot be known: " + landing.error().what;
      return;
    }
    if (*landing == mount.destination) continue;
    const std::string seems = cleaned(mount.destination);
    if (seems == *landing || (seems == "/" && landing->empty())) continue;
    alias(seems);
    alias(*landing);
  }
}

// Whether it is there, as itself and not as what a link leads to.
Result<bool> is_there(int directory, const char* name, struct stat& status) {
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  return last_error(std::string(name) + " in the root directory");
}

// Errors: what keeps it from being looked at.
Result<void> look_into(int root, const std::string& bundle, const Spec& spec, Rootfs& rootfs) {
  struct stat status {};
  struct statvfs filesystem {};
  if (fstat(root, &status) < 0 || fstatvfs(root, &filesystem) < 0) return last_error("root directory");
  rootfs.writable = (filesystem.f_flag & ST_RDONLY) == 0;
  rootfs.owner_uid = status.st_uid;
  rootfs.owner_gid = status.st_gid;
  const auto dev = is_there(root, "dev", status);
  if (!dev) return dev.error();
  rootfs.dev_is_aliased = *dev && S_ISLNK(status.st_mode);
  const auto run = is_there(root, "run", status);
  if (!run) return run.error();
  rootfs.run_is_aliased = *run && S_ISLNK(status.st_mode);
  const auto target = is_there(root, kRootfsTarget.data() + 1, status);
  if (!target) return target.error();
  rootfs.target_exists = *target;
  rootfs.target_is_file = *target && S_ISREG(status.st_mode);
  find_aliases(root, bundle, spec, rootfs);
  return {};
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

// user_namespaces(7): ids that are not mapped all show as one.
bool maps_all_users() {
  const Fd fd(open("/proc/self/uid_map", O_RDONLY | kOpenFlags));
  const auto map = fd.is_open() ? read_all(fd.number(), 64) : Result<std::string>(std::string());
  return map && map->find(" 4294967295\n") != std::string::npos;
}

// Root; who runs this, and could run anything; and whose `runi` is, who could put anything in its place. In a
// user namespace root of the host cannot be told from others outside.
bool may_own_init(uid_t owner, const std::string& runi) {
  constexpr uid_t kUnmapped = 65534;  // kernel.overflowuid
  struct stat self {};
  return owner == 0 || owner == geteuid() || (stat(runi.c_str(), &self) == 0 && owner == self.st_uid) ||
         (owner == kUnmapped && !maps_all_users());
}

// Rights that a program lends to whoever executes it would, of a file that all containers share, be for the
// host's users to take.
Result<void> check_rights(int fd, const struct stat& status, const std::string& runi) {
  if ((status.st_mode & 06000) != 0) return Error{"set-user-ID or set-group-ID; run chmod 0755 on it"};
  if ((status.st_mode & 0555) != 0555) return Error{"not for all to read and execute; run chmod 0755 on it"};
  if ((status.st_mode & 0022) != 0) return Error{"writable by others than its owner; run chmod 0755 on it"};
  if (fgetxattr(fd, "security.capability", nullptr, 0) >= 0) {
    return Error{"has capabilities of its own; run setcap -r on it"};
  }
  if (!may_own_init(status.st_uid, runi)) {
    return Error{"belongs to user " + std::to_string(status.st_uid) +
                 ", who is neither root nor the one that runs or owns runi; run chown root on it"};
  }
  return {};
}

// fcntl(2): while a process holds a lease, whoever opens the file waits for it, here because of O_NONBLOCK in
// vain.
constexpr const char* kLeased = "a process holds a lease on it (F_SETLEASE), so that nobody can open it";

bool is_leased(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | kOpenFlags));
  return !fd.is_open() && errno == EWOULDBLOCK;
}

// Puts another file with the same content in the place of one that is leased, and so cannot be read: if it is
// this version's, going by its size, its content is known. Who holds the lease keeps the old file.
Result<void> renew_init(const std::string& path) {
  const Path place = split(path);
  File file;
  file.name = place.name;
  file.directory = Fd(open(place.directory.c_str(), O_PATH | O_DIRECTORY | kOpenFlags));
  file.fd = Fd(openat(file.directory.number(), file.name.c_str(), O_PATH | O_NOFOLLOW | kOpenFlags));
  if (!file.fd.is_open() || fstat(file.fd.number(), &file.status) < 0) return last_error("open");
  const std::string_view image = init_image();
  if (!S_ISREG(file.status.st_mode) || static_cast<std::size_t>(file.status.st_size) != image.size()) {
    return Error{std::string(kLeased) + "; it is of another version than runi, so install it anew"};
  }
  auto replaced = replace_file(file, image);
  if (replaced) return {};  // by whomever
  return Error{std::string(kLeased) + "; replace it: " + replaced.error().what};
}

// Without symbolic links; as it is where it cannot be resolved.
std::string resolve(const std::string& path) {
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result = resolved;
  std::free(resolved);
  return result;
}

// The path of the init at `path`, which is there.
Result<std::string> settle_init(const std::string& path, const std::string& runi) {
  std::string resolved = resolve(path);
  auto checked = check_init(path, runi);
  if (!checked && is_leased(path)) {
    checked = renew_init(resolved);
    if (checked) checked = check_init(path, runi);
  }
  if (!checked) return with_context("init " + path, checked.error());
  return resolved;
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
    if (is_missing(errno)) return std::optional<std::string>{};
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
    if (is_missing(errno)) return std::optional<File>{};
    return last_error("open its directory");
  }
  // A FIFO's writer, once it has met a reader, does not wait for the next one, and opening a device may do
  // something: those are for the runtime to open.
  if (fstatat(file.directory.number(), file.name.c_str(), &file.status, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(file.status.st_mode) && !S_ISLNK(file.status.st_mode)) {
    return Error{kNotRegular};
  }
  file.fd =
      Fd(openat(file.directory.number(), file.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | kOpenFlags));
  if (!file.fd.is_open()) {
    if (is_missing(errno)) return std::optional<File>{};
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
  // There a file can be made, but neither take another's place nor be removed again.
  struct statx attributes {};
  if (statx(directory, "", AT_EMPTY_PATH, 0, &attributes) == 0 &&
      (attributes.stx_attributes & STATX_ATTR_APPEND) != 0) {
    return Error{"its directory is append-only, so that nothing in it can be replaced; run chattr -a on it"};
  }
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

Result<void> check_init(const std::string& path, const std::string& runi) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | kOpenFlags));
  if (!fd.is_open()) return errno == EWOULDBLOCK ? Error{kLeased} : last_error("open");
  struct stat status {};
  if (fstat(fd.number(), &status) < 0) return last_error("stat");
  if (!S_ISREG(status.st_mode)) return Error{"not a regular file"};
  if (auto rights = check_rights(fd.number(), status, runi); !rights) return rights;
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
  if (!configured.empty()) return settle_init(configured, runi);
  const auto candidates = init_candidates(runi);
  for (const std::string& path : candidates) {
    if (access(path.c_str(), F_OK) < 0) continue;
    return settle_init(path, runi);
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
  if (!root.is_open()) {
    // Without one, no runtime starts anything.
    if (errno != ENOENT && errno != ENOTDIR) rootfs.doubt = last_error("open the root directory").what;
    return rootfs;
  }
  rootfs.known = true;
  if (auto looked = look_into(root.number(), bundle, spec, rootfs); !looked) {
    rootfs.doubt = looked.error().what;
  }
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
