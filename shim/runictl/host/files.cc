#include "runictl/host/files.h"

#include "core/path.h"
#include "system/error.h"
#include "system/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <utility>

namespace runi {
namespace {

using Kind = State::Kind;

constexpr std::size_t kMaxBytes = 64 << 20;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY;

Result<void> sync_directory(const Fd& directory) {
  if (fsync(directory.number()) < 0) return last_error("sync its directory");
  return {};
}

Result<void> fill(const Fd& fd, const State& state) {
  if (auto written = write_all(fd.number(), state.content); !written) return written;
  if (fchmod(fd.number(), state.mode) < 0) return last_error("chmod");
  if (fsync(fd.number()) < 0) return last_error("sync");
  return {};
}

// A new file: it has no name until it is whole, where the file system can do that.
Result<void> make_file(const Fd& directory, const std::string& name, const State& state) {
  const Fd nameless(openat(directory.number(), ".", O_TMPFILE | O_WRONLY | kOpenFlags, 0600));
  if (nameless.is_open()) {
    if (auto filled = fill(nameless, state); !filled) return filled;
    const std::string source = proc_path(nameless.number());
    if (linkat(AT_FDCWD, source.c_str(), directory.number(), name.c_str(), AT_SYMLINK_FOLLOW) < 0) {
      return last_error("link");
    }
    return sync_directory(directory);
  }
  const std::string beside = name_beside(name);
  const Fd named(openat(directory.number(), beside.c_str(), O_CREAT | O_EXCL | O_WRONLY | kOpenFlags, 0600));
  if (!named.is_open()) return last_error("create");
  auto filled = fill(named, state);
  if (filled &&
      renameat2(directory.number(), beside.c_str(), directory.number(), name.c_str(), RENAME_NOREPLACE) < 0) {
    filled = last_error("rename");
  }
  if (!filled) unlinkat(directory.number(), beside.c_str(), 0);
  return filled ? sync_directory(directory) : filled;
}

// In the place of a file that was read, whose owner, mode and attributes it gets.
Result<void> replace(Fd directory, const std::string& name, const State& state) {
  File file;
  file.name = name;
  file.fd = Fd(openat(directory.number(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | kOpenFlags));
  if (!file.fd.is_open()) return last_error("open");
  if (fstat(file.fd.number(), &file.status) < 0) return last_error("stat");
  file.directory = std::move(directory);
  const auto replaced = replace_file(file, state.content, Sync::yes);
  if (!replaced) return replaced.error();
  if (*replaced == Replaced::changed) return Error{"another process has changed it in the meantime"};
  return {};
}

// In the place of whatever is there, by a link or a file that is whole already.
Result<void> move_over(const Fd& directory, const std::string& name, const State& state) {
  const std::string beside = name_beside(name);
  if (state.kind == Kind::link) {
    if (symlinkat(state.content.c_str(), directory.number(), beside.c_str()) < 0) return last_error("link");
  } else {
    const Fd fd(openat(directory.number(), beside.c_str(), O_CREAT | O_EXCL | O_WRONLY | kOpenFlags, 0600));
    if (!fd.is_open()) return last_error("create");
    if (auto filled = fill(fd, state); !filled) {
      unlinkat(directory.number(), beside.c_str(), 0);
      return filled;
    }
  }
  if (renameat(directory.number(), beside.c_str(), directory.number(), name.c_str()) < 0) {
    const Error error = last_error("rename");
    unlinkat(directory.number(), beside.c_str(), 0);
    return error;
  }
  return sync_directory(directory);
}

// Everybody may make files in /run/lock. One that is another user's holds nobody up: it is taken away.
Result<Fd> open_lock(const Fd& directory, const std::string& name) {
  Error error{"another user makes it again and again"};
  for (int attempt = 0; attempt < 16; ++attempt) {
    Fd fd(openat(directory.number(), name.c_str(), O_CREAT | O_RDWR | O_NOFOLLOW | kOpenFlags, 0600));
    if (!fd.is_open()) error = last_error("open");
    struct stat status {};
    if (fstatat(directory.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT && fd.is_open()) continue;
      return error;
    }
    if (status.st_uid == geteuid()) {
      if (!fd.is_open()) return error;
      struct stat opened {};
      if (fstat(fd.number(), &opened) == 0 && same_file(opened, status)) return fd;
      continue;
    }
    const int flags = S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0;
    if (unlinkat(directory.number(), name.c_str(), flags) < 0 && errno != ENOENT) {
      return last_error("it is another user's; remove");
    }
  }
  return error;
}

Result<void> make_directory(const Fd& directory, const std::string& name) {
  if (mkdirat(directory.number(), name.c_str(), 0755) < 0) {
    if (errno == EEXIST) return {};
    return last_error("make the directory");
  }
  if (fchmodat(directory.number(), name.c_str(), 0755, 0) < 0) return last_error("chmod");
  return sync_directory(directory);
}

Result<void> remove(const Fd& directory, const std::string& name, Kind kind) {
  const bool is_directory = kind == Kind::directory;
  if (unlinkat(directory.number(), name.c_str(), is_directory ? AT_REMOVEDIR : 0) < 0) {
    if (errno == ENOENT) return {};
    // Others' files are in it, or it is where a pod's volume is mounted, below a root that is not to be
    // written.
    const bool stays = errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY || errno == EROFS;
    if (is_directory && stays) return {};
    return last_error("remove");
  }
  return sync_directory(directory);
}

}  // namespace

Result<Fd> HostFiles::open_directory_of(const std::string& path) const {
  return machine_.open(std::string(directory_of(path)), kDirectoryFlags);
}

Result<State> HostFiles::look(const std::string& path) const {
  auto directory = machine_.open(std::string(directory_of(path)), O_PATH | O_DIRECTORY);
  if (!directory) return is_missing(errno) ? Result<State>(State{}) : directory.error();
  const std::string name(base_name(path));
  const Fd fd(openat(directory->number(), name.c_str(), O_PATH | O_NOFOLLOW | kOpenFlags));
  if (!fd.is_open()) {
    if (is_missing(errno)) return State{};
    return last_error("open");
  }
  struct stat status {};
  if (fstat(fd.number(), &status) < 0) return last_error("stat");
  if (S_ISDIR(status.st_mode)) return State::directory();
  if (S_ISLNK(status.st_mode)) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length = readlinkat(fd.number(), "", target.data(), target.size());
    if (length < 0) return last_error("read the link");
    return State::link({target.data(), static_cast<std::size_t>(length)});
  }
  if (!S_ISREG(status.st_mode)) return State{Kind::other, {}, 0};
  auto bytes = read_text(proc_path(fd.number()), kMaxBytes);
  if (!bytes) return bytes.error();
  return State::file(bytes->value_or(""), status.st_mode & 07777);
}

Result<void> HostFiles::apply(const Change& change) const {
  std::string path = change.path;
  if (change.role == Role::configuration) {
    if (const auto found = machine_.find(path); found && *found) path = (*found)->path;
  }
  const auto there = look(path);
  if (!there) return with_context(path, there.error());
  if (there->is(change.after) && !there->lacks_execution_of(change.after)) return {};
  if (!there->is(change.before)) {
    return Error{path + ": somebody has changed it in the meantime; run this again"};
  }
  auto done = put(path, change.after);
  if (done) return done;
  // What was done before the error, as where the file is in its place and its directory is not on the disk.
  const auto half = look(path);
  if (half && half->is(change.after)) (void)put(path, change.before);
  return done;
}

Result<void> HostFiles::put(const std::string& path, const State& after) const {
  sweep(path);
  const auto there = look(path);
  auto directory = there ? open_directory_of(path) : Result<Fd>(there.error());
  if (!directory) return with_context(path, directory.error());
  const std::string name(base_name(path));
  Result<void> done;
  if (after.kind == Kind::nothing) {
    done = remove(*directory, name, there->kind);
  } else if (after.kind == Kind::directory) {
    done = make_directory(*directory, name);
  } else if (after.kind == Kind::file && there->kind == Kind::nothing) {
    done = make_file(*directory, name, after);
  } else if (after.kind == Kind::file && there->kind == Kind::file && (after.mode & 0111) == 0) {
    done = replace(std::move(*directory), name, after);
  } else {
    done = move_over(*directory, name, after);
  }
  if (!done) return with_context(path, done.error());
  return {};
}

Result<void> HostFiles::make_directories(const std::string& path) const {
  const auto there = machine_.find(path);
  if (!there) return with_context(path, there.error());
  if (*there) return {};
  if (auto made = make_directories(std::string(directory_of(path))); !made) return made;
  return put(path, State::directory());
}

void HostFiles::sweep(const std::string& path) const {
  const auto directory = open_directory_of(path);
  if (!directory) return;
  const std::string beside = name_beside(base_name(path));
  for (const std::string& name : machine_.names_in(std::string(directory_of(path)))) {
    if (name.starts_with(beside)) unlinkat(directory->number(), name.c_str(), 0);
  }
}

Result<Fd> HostFiles::lock(const std::string& path, const std::function<void()>& waits) const {
  if (auto made = make_directories(std::string(directory_of(path))); !made) return made.error();
  const auto directory = open_directory_of(path);
  if (!directory) return with_context(path, directory.error());
  const std::string name(base_name(path));
  auto opened = open_lock(*directory, name);
  if (!opened) return with_context(path, opened.error());
  Fd fd = std::move(*opened);
  if (flock(fd.number(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) waits();
  while (flock(fd.number(), LOCK_EX) < 0) {
    if (errno != EINTR) return with_context(path, last_error("lock"));
  }
  return fd;
}

namespace {

// Who else than root could put another program there: one who may change the directory or one above it.
std::string fault_of_owners(const Machine& machine, const std::string& path) {
  for (std::string above = path;; above = directory_of(above)) {
    const auto found = machine.find(above);
    if (!found) return found.error().what;
    struct stat status {};
    if (*found && fstat((*found)->fd.number(), &status) == 0) {
      const bool is_others = status.st_uid != 0 && status.st_uid != geteuid();
      const bool is_open =
          (status.st_mode & 0002) != 0 || ((status.st_mode & 0020) != 0 && status.st_gid != 0);
      if (is_others || is_open) return "others than root can change " + (*found)->path;
    }
    if (above.size() <= 1) return {};
  }
}

}  // namespace

std::string fault_of_program_directory(const Machine& machine, const std::string& path) {
  const auto found = machine.find(path);
  if (!found) return found.error().what;
  if (!*found) return fault_of_program_directory(machine, std::string(directory_of(path)));
  if (!S_ISDIR((*found)->mode)) return (*found)->path + " is not a directory";
  struct statvfs mount {};
  if (fstatvfs((*found)->fd.number(), &mount) < 0) return last_error("statvfs").what;
  const std::string where = "the file system of " + (*found)->path + " is ";
  if ((mount.f_flag & ST_RDONLY) != 0) return where + "read-only";
  if ((mount.f_flag & ST_NOEXEC) != 0) return where + "mounted noexec";
  // By its own name and by that without links.
  for (const std::string& name : {path, (*found)->path}) {
    if (auto fault = fault_of_owners(machine, name); !fault.empty()) return fault;
  }
  return {};
}

}  // namespace runi
