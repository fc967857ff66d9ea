// Files as a whole: read with a limit, and replaced at once.
#pragma once

#include "core/result.h"
#include "system/fd.h"

#include <sys/stat.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace runi {

// A regular file as it was when it was read.
struct File {
  Fd directory;
  std::string name;  // in that directory
  Fd fd;             // of O_PATH, too
  struct stat status {};
  std::string bytes;
};

// Whether both are of one file.
[[nodiscard]] bool same_file(const struct stat& a, const struct stat& b);

// The text of a file that the administrator wrote, wherever symbolic links lead. Returns an empty optional if
// the file does not exist. Errors: any step; it is not a regular file, or larger than `max_bytes`.
Result<std::optional<std::string>> read_text(const std::string& path, std::size_t max_bytes);

// Reads the regular file at `path` for replace_file. Returns an empty optional if the file does not exist.
// Errors: any step; it is not a regular file, as a symbolic link is not, or larger than `max_bytes`.
Result<std::optional<File>> read_file(const std::string& path, std::size_t max_bytes);

enum class Replaced {
  yes,
  changed,  // another process has replaced the file since it was read; that file stays as it is
};

// Whether a file has to outlive a loss of power at any instant.
enum class Sync { no, yes };

// Puts `bytes` in the file's place, at once: a process that opens it sees the old or the new content, whole,
// even if this process is killed. Owner, mode, ACL and extended attributes stay, and no others are inherited
// from the directory; security.ima and security.evm, which describe the content, do not stay. Not synced
// unless asked: after a loss of power the file may be the old one, or what its file system makes of it.
// Raises no signal. Errors: any step; the old file stands then, and nothing lies beside it.
Result<Replaced> replace_file(const File& file, std::string_view bytes, Sync sync = Sync::no);

// The names that a file beside another may have had when its process was killed begin so.
[[nodiscard]] std::string name_beside(std::string_view name);

}  // namespace runi
