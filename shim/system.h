// The machine: every system call that runi makes. Errors name what the caller does not know: the step that
// went wrong and its cause, and a path only where the caller did not give it.
#pragma once

#include "decide.h"
#include "result.h"

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

namespace runi {

// An open file descriptor, closed when it goes.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// A regular file as it was when it was read.
struct File {
  Fd directory;
  std::string name;  // in that directory
  Fd fd;
  struct stat status {};
  std::string bytes;
};

// The text of a file that the administrator wrote, wherever symbolic links lead.
// Errors: nothing there is an empty optional; everything else, and a size above `max_bytes`, an error.
Result<std::optional<std::string>> read_text(const std::string& path, std::size_t max_bytes);

// Reads the regular file at `path` for replace_file; what lies behind a symbolic link as its last part counts
// as no regular file. Errors: nothing there is an empty optional; everything else, and a size above
// `max_bytes`, an error.
Result<std::optional<File>> read_file(const std::string& path, std::size_t max_bytes);

enum class Replaced {
  yes,
  changed,  // somebody else replaced the file since it was read; it is theirs, untouched
};

// Puts `bytes` in the file's place, at once: whoever opens it sees the old or the new content, whole,
// whenever this process is killed. Owner, mode and extended attributes stay; security.ima and security.evm,
// which describe the content, do not. Not synced: after a loss of power the file is as old as its file system
// makes it. Errors: any step; the old file stands then, and nothing lies beside it.
Result<Replaced> replace_file(const File& file, std::string_view bytes);

// The first of runc and crun in the system's directories that is not this program.
// Errors: there is none.
Result<std::string> find_runtime();

// Errors: `path` is not executable, or is this program under another name.
Result<void> check_runtime(const std::string& path);

// The init to mount: `configured`, or where that is empty the one installed beside this program. The path has
// no symbolic links in it, so that what it names stays the same when a link to the newest version moves on.
// Errors: none is there; it is not a regular file that all may read and execute and nobody but its owner
// may write; it is no static program for this machine; its file system is mounted noexec.
Result<std::string> find_init(const std::string& configured);

// Looks at the root directory of the container, of which `bundle` is the directory, and at where its mounts
// land there. Links that lie inside a mount are not seen. Never an error: see Rootfs::known.
Rootfs look_at_rootfs(const std::string& bundle, const Spec& spec);

// Adds one line to the file at `path`, making the file where it is missing. Never blocks on a FIFO.
// Errors: any, for callers to ignore: a log that cannot be written must not fail a command.
Result<void> append_line(const std::string& path, const std::string& line);

// Writes to stderr; errors have nowhere to go.
void print_error(const std::string& line);

// Sends a warning to syslog, as program runi, facility daemon.
void log_warning(const std::string& text);

// Becomes the program at `path`; argv[0] is replaced by `path`, everything else, the environment too, passes.
// Returns only with an error.
Error become(const std::string& path, char** argv);

}  // namespace runi
