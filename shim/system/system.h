// The machine: every system call that runi makes. Errors name what the caller does not know: the step that
// went wrong and its cause, and a path only where the caller did not give it.
#pragma once

#include "core/decide.h"
#include "core/result.h"

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  Fd fd;             // of O_PATH, too
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
// whenever this process is killed. Owner, mode, ACL and extended attributes stay, and no other ones come from
// the directory; security.ima and security.evm, which describe the content, do not stay. Not synced: after a
// loss of power the file is as old as its file system makes it. No signal comes of it. Errors: any step; the
// old file stands then, and nothing lies beside it.
Result<Replaced> replace_file(const File& file, std::string_view bytes);

// This program's own file, under a name that holds even where the file has been replaced meanwhile.
inline constexpr const char* kSelf = "/proc/self/exe";

// Where the system's programs are, and what the runtimes among them are called, in the order of preference.
inline constexpr std::string_view kProgramDirectories[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                           "/usr/bin",        "/sbin",          "/bin"};
inline constexpr std::string_view kRuntimeNames[] = {"runc", "crun"};

// Where a runtime is looked for that nobody has named, in this order: runc and then crun in the system's
// directories and CRI-O's, and last in those of `search_path`, a PATH, that are absolute.
[[nodiscard]] std::vector<std::string> runtime_candidates(std::string_view search_path);

// The PATH that this program was called with; empty where there is none.
[[nodiscard]] std::string_view caller_path();

// The first of the candidates that can be executed and is not the program `runi`.
// Errors: there is none.
Result<std::string> find_runtime(const std::string& runi = kSelf,
                                 std::string_view search_path = caller_path());

// Errors: `path` is not executable, or is the program `runi` under another name.
Result<void> check_runtime(const std::string& path, const std::string& runi = kSelf);

// The init to mount: `configured`, or where that is empty the one installed beside the program `runi`. The
// path has no symbolic links in it, so that what it names stays the same when a link to the newest version
// moves on. Errors: none is there; it is not a regular file that all may read and execute and nobody but its
// owner may write; it lends rights of its own (set-user-ID, set-group-ID, capabilities); its owner is neither
// root, nor this process's user, nor that of `runi`; it is no static program for this machine; its file
// system is mounted noexec. One that a lease keeps from being opened is replaced by a copy, where it is of
// this version and its directory can be written.
Result<std::string> find_init(const std::string& configured, const std::string& runi = kSelf);

// The directory that `program` is in; of kSelf, without symbolic links.
[[nodiscard]] std::string directory_of(const std::string& program);

// Where find_init looks, in this order, when none is configured.
std::array<std::string, 2> init_candidates(const std::string& runi = kSelf);

// Errors: as find_init's, of the file at `path`.
Result<void> check_init(const std::string& path, const std::string& runi = kSelf);

// Looks at the root directory of the container, of which `bundle` is the directory, and at where its mounts
// land there. Never an error: see Rootfs::known and Rootfs::doubt.
Rootfs look_at_rootfs(const std::string& bundle, const Spec& spec);

// Adds one line to the file at `path`, by one write at its end, so that lines of many processes do not mix
// (on a local file system; open(2), O_APPEND). Makes the file, with `mode`, where it is missing. Never waits
// for a FIFO's reader, and no signal comes of it. Errors: any step; of a regular file's line nothing is there
// then. For callers to ignore: a log that cannot be written must not fail a command.
Result<void> append_line(const std::string& path, const std::string& line, mode_t mode);

// Writes to stderr; errors have nowhere to go.
void print_error(const std::string& line);

// Sends "program[pid]: text" to what listens on /dev/log, without a time: whoever receives it has one (RFC
// 3164, 4.3.2). `priority` is facility and level of syslog(3), whose own function may wait for ever. Errors:
// nothing listens, or it has no room for the message at this moment.
Result<void> send_to_syslog(int priority, const std::string& text);

// Writes a line to stderr if that can be done without waiting.
void try_stderr(const std::string& line);

// Since some moment that is the same while the machine runs; in microseconds.
[[nodiscard]] std::uint64_t monotonic_us();

// Becomes the program at `path`; argv[0] is replaced by `path`, everything else, the environment too, passes.
// Returns only with an error.
Error become(const std::string& path, char** argv);

}  // namespace runi
