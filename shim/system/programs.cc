#include "system/programs.h"

#include "core/path.h"
#include "system/error.h"
#include "system/fd.h"
#include "system/files.h"
#include "system/init_image.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace runi {
namespace {

constexpr std::string_view kCrioDirectory = "/usr/libexec/crio";

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
  auto head = read_first(fd, 4096);
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
  const auto map = fd.is_open() ? read_first(fd.number(), 64) : Result<std::string>(std::string());
  return map && map->find(" 4294967295\n") != std::string::npos;
}

// Root; the user of this process, who could run anything; and the owner of `runi`, who could put anything in
// its place. In a user namespace root of the host cannot be told from other users outside.
bool may_own_init(uid_t owner, const std::string& runi) {
  constexpr uid_t kUnmapped = 65534;  // kernel.overflowuid
  struct stat self {};
  return owner == 0 || owner == geteuid() || (stat(runi.c_str(), &self) == 0 && owner == self.st_uid) ||
         (owner == kUnmapped && !maps_all_users());
}

// All containers share the file. Rights that it lends to its executor would be for the host's users to take.
Result<void> check_rights(int fd, const struct stat& status, const std::string& runi) {
  if ((status.st_mode & 06000) != 0) return Error{"set-user-ID or set-group-ID; run chmod 0755 on it"};
  if ((status.st_mode & 0555) != 0555) {
    return Error{"not readable and executable by all; run chmod 0755 on it"};
  }
  if ((status.st_mode & 0022) != 0) {
    return Error{"writable by users other than its owner; run chmod 0755 on it"};
  }
  if (fgetxattr(fd, "security.capability", nullptr, 0) >= 0) {
    return Error{"has capabilities of its own; run setcap -r on it"};
  }
  if (!may_own_init(status.st_uid, runi)) {
    return Error{"belongs to user " + std::to_string(status.st_uid) +
                 ", who is neither root nor the one that runs or owns runi; run chown root on it"};
  }
  return {};
}

// fcntl(2): while a process holds a lease on a file, an open of it waits, or with O_NONBLOCK fails.
constexpr const char* kLeased = "a process holds a lease on it (F_SETLEASE), so that nobody can open it";

bool is_leased(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | kOpenFlags));
  return !fd.is_open() && errno == EWOULDBLOCK;
}

// Replaces a leased file, which cannot be read, by a copy of runi's own init. Its content is known if it is
// of this version, judged by its size. The holder of the lease keeps the old file.
Result<void> renew_init(const std::string& path) {
  File file;
  file.name = base_name(path);
  file.directory = Fd(open(std::string(directory_of(path)).c_str(), O_PATH | O_DIRECTORY | kOpenFlags));
  file.fd = Fd(openat(file.directory.number(), file.name.c_str(), O_PATH | O_NOFOLLOW | kOpenFlags));
  if (!file.fd.is_open() || fstat(file.fd.number(), &file.status) < 0) return last_error("open");
  const std::string_view image = init_image();
  if (!S_ISREG(file.status.st_mode) || static_cast<std::size_t>(file.status.st_size) != image.size()) {
    return Error{std::string(kLeased) + "; it is of another version than runi, so install it anew"};
  }
  auto replaced = replace_file(file, image);
  if (replaced) return {};  // or another process has
  return Error{std::string(kLeased) + "; replace it: " + replaced.error().what};
}

// The path without symbolic links; as it is if it cannot be resolved.
std::string resolve(const std::string& path) {
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result = resolved;
  std::free(resolved);
  return result;
}

// Checks the init at `path`, which exists, and returns its path without symbolic links.
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

std::vector<std::string> runtime_candidates(std::string_view search_path) {
  std::vector<std::string_view> systems(std::begin(kProgramDirectories), std::end(kProgramDirectories));
  systems.push_back(kCrioDirectory);
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
  std::string directories;
  for (const std::string_view directory : kProgramDirectories) directories.append(directory).append(", ");
  return Error{"no OCI runtime found: neither runc nor crun is in " + directories +
               std::string(kCrioDirectory) +
               " or the caller's PATH; install one, or name one as \"runtime\" in the configuration"};
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

std::string program_directory(const std::string& program) {
  if (program != kSelf) return std::string(directory_of(program));
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = readlink(kSelf, buffer.data(), buffer.size());
  if (length <= 0) return "/usr/bin";
  return std::string(directory_of({buffer.data(), static_cast<std::size_t>(length)}));
}

std::array<std::string, 2> init_candidates(const std::string& runi) {
  const std::string directory = program_directory(runi);
  return {joined(directory, "runi-init"), joined(directory_of(directory), "libexec/runi/runi-init")};
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

Error become(const std::string& path, char** argv) {
  // The caller's own array: nothing but its first pointer changes.
  argv[0] = const_cast<char*>(path.c_str());
  execv(path.c_str(), argv);
  return last_error("exec " + path);
}

}  // namespace runi
