#include "runictl/machine/machine.h"

#include "init/pidfd_info.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace runi {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(5);
constexpr std::size_t kMaxLine = 4096;

Error last_error(const std::string& operation) {
  return Error{operation + ": " + std::strerror(errno)};
}

std::string handle_of(const Fd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.number());
}

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

// Waits until `fd` has something to say or the time is over.
bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

Result<std::string> read_to_end(int fd, Clock::time_point deadline) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    if (!wait_for(fd, POLLIN, deadline)) return Error{"no end of its output in 5 s"};
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error("read its output");
    if (got == 0) return text;
    if (text.size() < kMaxLine) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<pid_t> spawn(const std::string& path, int output) {
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0) return Error{"spawn: out of memory"};
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = path;
  std::string option = "--version";
  std::array<char*, 3> arguments = {program.data(), option.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error{std::string("exec: ") + std::strerror(error)};
  return pid;
}

}  // namespace

Result<Machine> Machine::at(const std::string& root) {
  Machine machine;
  machine.root_ = Fd(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!machine.root_.is_open()) return last_error("open");
  const Fd own(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  machine.is_this_ = own.is_open() && is_same_place(machine.root_, own);
  // The root of another mount namespace, as behind /proc/PID/root, calls itself "/" too.
  const std::string prefix = real_path(handle_of(machine.root_));
  if (prefix != "/") machine.prefix_ = prefix;
  return machine;
}

Result<std::optional<Found>> Machine::find(const std::string& path) const {
  Found found;
  if (is_this_) {
    found.fd = Fd(open(path.c_str(), O_PATH | O_CLOEXEC));
  } else {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    found.fd = Fd(static_cast<int>(syscall(SYS_openat2, root_.number(), path.c_str(), &how, sizeof how)));
  }
  if (!found.fd.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<Found>{};
    return last_error("open");
  }
  struct stat status {};
  if (fstat(found.fd.number(), &status) < 0) return last_error("stat");
  found.identity = {status.st_dev, status.st_ino};
  found.mode = status.st_mode;
  found.uid = status.st_uid;
  found.handle = handle_of(found.fd);
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
  std::string own = real_path(kSelf);
  own.erase(std::min(own.rfind('/'), own.size()));
  const std::string candidates[] = {own + "/runi",         own + "/../sbin/runi", "/usr/local/sbin/runi",
                                    "/usr/local/bin/runi", "/usr/sbin/runi",      "/usr/bin/runi"};
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

Result<std::string> version_of(const std::string& path) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) return last_error("pipe");
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const auto pid = spawn(path, writing.number());
  writing = Fd();
  if (!pid) return pid.error();
  auto text = read_to_end(reading.number(), Clock::now() + kPatience);
  if (!text) kill(*pid, SIGKILL);
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return text;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Error{"--version: does not end with status 0"};
  return text->substr(0, text->find('\n'));
}

bool kernel_reaps() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) return false;
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGCHLD, &ignore, &before);
  constexpr int kStatus = 42;
  bool kept = false;
  const pid_t child = fork();
  if (child == 0) {
    writing = Fd();
    char nothing = 0;
    (void)!::read(reading.number(), &nothing, 1);  // until the parent is ready
    _exit(kStatus);
  }
  if (child > 0) {
    const Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    writing = Fd();
    kernel::ProcessInfo info{};
    info.mask = kernel::kPidfdInfoExit;
    kept = pidfd.is_open() && wait_for(pidfd.number(), POLLHUP, Clock::now() + kPatience) &&
           ioctl(pidfd.number(), kernel::kPidfdGetInfo, &info) == 0 &&
           (info.mask & kernel::kPidfdInfoExit) != 0 && WEXITSTATUS(info.exit_code) == kStatus;
  }
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {  // ECHILD when the kernel has reaped it
  }
  sigaction(SIGCHLD, &before, nullptr);
  return kept;
}

bool has_syslog() {
  const sockaddr_un address{AF_UNIX, "/dev/log"};
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const Fd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) return false;
    if (connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    if (errno == EAGAIN) return true;  // it has no room at this moment
  }
  return false;
}

bool has_seccomp() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace runi
