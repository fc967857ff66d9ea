// The files that runictl looks at: those of this machine, or those below a directory that holds another's
// root (an image, a node's disk).
#pragma once

#include "core/result.h"
#include "system/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace runi {

// A file as it lies there, symbolic links followed.
struct Found {
  std::string path;  // without symbolic links, as the machine itself would name it
  std::pair<std::uint64_t, std::uint64_t> identity;  // device and inode: the same for two names of one file
  std::uint32_t mode = 0;                            // st_mode
  std::uint32_t uid = 0;
  std::string label;   // SELinux's; empty where there is none
  std::string handle;  // a path under /proc/self/fd by which this process can open it as long as `fd` lives
  Fd fd;
};

class Machine {
 public:
  // Errors: `root` is no directory that can be opened.
  static Result<Machine> at(const std::string& root);

  // Whether `root` is this process's own, whose programs may be run; not where it is another's that is called
  // "/" too.
  [[nodiscard]] bool is_this() const { return is_this_; }

  // What lies at an absolute path of the machine. Where is_this() is false, no link leads out of its root.
  // Errors: nothing there is an empty optional; all else, permissions above all, an error.
  [[nodiscard]] Result<std::optional<Found>> find(const std::string& path) const;

  // open(2) of an absolute path of the machine, within its root.
  [[nodiscard]] Result<Fd> open(const std::string& path, int flags) const;

  // Errors: as read_text of system/files.h.
  [[nodiscard]] Result<std::optional<std::string>> read(const std::string& path, std::size_t max_bytes) const;

  // The names in a directory, sorted; none where it cannot be read.
  [[nodiscard]] std::vector<std::string> names_in(const std::string& directory) const;

 private:
  Fd root_;
  std::string prefix_;  // the root's own path, which real paths begin with; empty for "/"
  bool is_this_ = false;
};

// The program runi of this machine: beside this one, else in the system's directories. Where there is none:
// kSelf, which stands in for it when runi-init is looked for.
std::string find_runi();

// All of standard input. Errors: it cannot be read, or has more than `max_bytes`.
Result<std::string> read_stdin(std::size_t max_bytes);

}  // namespace runi
