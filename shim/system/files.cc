#include "system/files.h"

#include "core/path.h"
#include "system/error.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

namespace runi {
namespace {

constexpr const char* kNotRegular = "not a regular file";

// The whole content; `status` is the file's from before it was read.
Result<std::string> read_regular(int fd, struct stat& status, std::size_t max_bytes) {
  if (fstat(fd, &status) < 0) return last_error("stat");
  if (!S_ISREG(status.st_mode)) return Error{kNotRegular};
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > max_bytes) return Error{"larger than " + std::to_string(max_bytes) + " bytes"};
  return read_first(fd, size);
}

bool same_version(const struct stat& a, const struct stat& b) {
  return same_file(a, b) && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

Result<std::string> get_attribute(int fd, const char* name) {
  std::string value(256, '\0');
  for (;;) {
    ssize_t size = fgetxattr(fd, name, value.data(), value.size());
    if (size < 0 && errno == EBADF) size = getxattr(proc_path(fd).c_str(), name, value.data(), value.size());
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
    return listxattr(proc_path(fd).c_str(), names.data(), names.size());
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
Result<void> fill(int fd, const File& old, std::string_view bytes, Sync sync) {
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
  if (auto copied = copy_attributes(old.fd.number(), fd, *names); !copied) return copied;
  if (sync == Sync::yes && fsync(fd) < 0) return last_error("sync");
  return {};
}

// Gives the nameless file a name. All processes use the same name, so that one killed before the rename
// leaves at most one file, which the next one takes away. The file has its whole content before it has a
// name: no other process can rename half a file into place.
Result<Replaced> link_as(const Fd& nameless, int directory, const std::string& name) {
  const std::string source = proc_path(nameless.number());
  for (int attempt = 0; attempt < 16; ++attempt) {
    const int linked = linkat(AT_FDCWD, source.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW);
    if (linked == 0) return Replaced::yes;
    if (errno != EEXIST) return last_error("link " + name);
    if (unlinkat(directory, name.c_str(), 0) < 0 && errno != ENOENT) return last_error("remove " + name);
  }
  return Replaced::changed;
}

// A file of the final content beside the old one, under the name it is then renamed from.
Result<Replaced> put_beside(const File& old, std::string_view bytes, Sync sync, std::string& name) {
  const int directory = old.directory.number();
  if (const Fd nameless(openat(directory, ".", O_TMPFILE | O_WRONLY | kOpenFlags, 0600));
      nameless.is_open()) {
    if (auto filled = fill(nameless.number(), old, bytes, sync); !filled) return filled.error();
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
  if (auto filled = fill(named.number(), old, bytes, sync); !filled) {
    unlinkat(directory, name.c_str(), 0);
    return filled.error();
  }
  return Replaced::yes;
}
}  // namespace

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
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
  File file;
  file.name = base_name(path);
  file.directory = Fd(open(std::string(directory_of(path)).c_str(), O_PATH | O_DIRECTORY | kOpenFlags));
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

std::string name_beside(std::string_view name) {
  return "." + std::string(name) + ".runi";
}

Result<Replaced> replace_file(const File& file, std::string_view bytes, Sync sync) {
  const int directory = file.directory.number();
  // There a file can be made, but neither take another's place nor be removed again.
  struct statx attributes {};
  if (statx(directory, "", AT_EMPTY_PATH, 0, &attributes) == 0 &&
      (attributes.stx_attributes & STATX_ATTR_APPEND) != 0) {
    return Error{"its directory is append-only, so that nothing in it can be replaced; run chattr -a on it"};
  }
  std::string name = name_beside(file.name);
  auto beside = put_beside(file, bytes, sync, name);
  if (!beside || *beside == Replaced::changed) return beside;
  struct stat now {};
  if (fstatat(directory, file.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) < 0 ||
      !same_version(now, file.status)) {
    unlinkat(directory, name.c_str(), 0);
    return Replaced::changed;
  }
  if (renameat(directory, name.c_str(), directory, file.name.c_str()) == 0) {
    if (sync == Sync::yes) {
      const Fd listed(openat(directory, ".", O_RDONLY | O_DIRECTORY | kOpenFlags));
      if (!listed.is_open() || fsync(listed.number()) < 0) return last_error("sync the directory");
    }
    return Replaced::yes;
  }
  if (errno == ENOENT) return Replaced::changed;  // another process has renamed or removed ours
  const Error error = last_error("rename " + name);
  unlinkat(directory, name.c_str(), 0);
  return error;
}

}  // namespace runi
