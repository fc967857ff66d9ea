// Changes files below a machine's root directory, each at once and to last.
#pragma once

#include "core/result.h"
#include "runictl/installer/change.h"
#include "runictl/machine/machine.h"

#include <functional>
#include <string>

namespace runi {

class HostFiles {
 public:
  // `machine` must outlive it.
  explicit HostFiles(const Machine& machine) : machine_(machine) {}

  // What lies at the path; a link at its end is not followed. Errors: it cannot be looked at, or is too
  // large.
  [[nodiscard]] Result<State> look(const std::string& path) const;

  // Makes the path be as change.after: whoever looks sees the one or the other state, even if this process is
  // killed or the power fails. An edited file keeps owner, mode, ACL and extended attributes; of an engine's
  // configuration that is a link the file that it leads to is changed. A directory that others have filled
  // stays. Errors: any step; the path is no longer as change.before; its directory is missing.
  [[nodiscard]] Result<void> apply(const Change& change) const;

  // The same as `after`, whatever is there.
  [[nodiscard]] Result<void> put(const std::string& path, const State& after) const;

  // Makes the directory and those above it. Errors: one of them cannot be made.
  [[nodiscard]] Result<void> make_directories(const std::string& path) const;

  // Takes away what a process that was killed has left beside the path.
  void sweep(const std::string& path) const;

  // The lock on that file, which is made, as long as the descriptor lives. `waits` is called before it has to
  // be waited for. Errors: any step.
  [[nodiscard]] Result<Fd> lock(const std::string& path, const std::function<void()>& waits) const;

 private:
  [[nodiscard]] Result<Fd> open_directory_of(const std::string& path) const;

  const Machine& machine_;
};

// Why no program can be in that directory, or in the one above it that is there: it is not writable, of a
// file system that is mounted noexec, or others than root could put another program there. Empty where it
// can.
[[nodiscard]] std::string fault_of_program_directory(const Machine& machine, const std::string& path);

}  // namespace runi
