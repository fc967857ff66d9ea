// Reads /proc, as fast as that goes and whatever it is not allowed to see: for runictl's scan and ps.
#pragma once

#include "core/result.h"
#include "runictl/containers/namespaces.h"
#include "runictl/containers/proc_files.h"
#include "runictl/containers/supervisor.h"
#include "runictl/containers/survey.h"
#include "system/fd.h"

#include <span>
#include <string>
#include <vector>

namespace runi {

// The directory of a container that an engine runs on this machine.
struct Bundle {
  std::string path;
  Identity identity;
};

class Procfs {
 public:
  // `folder` is where a proc file system is mounted. Errors: it is none.
  static Result<Procfs> open(const std::string& folder);

  // Three system calls for each process, and one more for each that may be in another PID namespace than its
  // parent. Errors: the folder cannot be listed.
  [[nodiscard]] Result<Population> read_processes() const;

  // Every container, and all that is to be known of it. A zombie that is gone at a second look, some
  // kLookAgainMs later, was being reaped and is none.
  [[nodiscard]] Result<Survey> survey() const;
  static constexpr int kLookAgainMs = 100;

  // What is to be known of the process as the first of a container, but not its zombies and processes.
  [[nodiscard]] Container look_at(const Process& first, std::span<const Process> processes) const;

  // What engines' supervisors have, also of containers that are PID 1 of nothing. Only what lies below this
  // process's own root directory.
  [[nodiscard]] Result<std::vector<Bundle>> bundles() const;

  // The bytes of a file of a process, `max_bytes` of them at most; empty where they cannot be had.
  [[nodiscard]] std::string read(int pid, const std::string& file, std::size_t max_bytes) const;

 private:
  enum class Seen { yes, gone, refused };

  Procfs(std::string folder, Fd fd) : folder_(std::move(folder)), fd_(std::move(fd)) {}

  Seen read_into(const std::string& path, std::string& buffer, std::size_t max_bytes) const;
  [[nodiscard]] std::string link(int pid, const std::string& file) const;
  [[nodiscard]] Identity identify(const Container& container, const Process* parent) const;
  [[nodiscard]] static bool is_trusted(const Process& supervisor);
  void read_bundle_of(const Process& parent, const Supervisor& supervisor, Identity& identity) const;
  void look_at_init(Container& container) const;
  [[nodiscard]] std::optional<PidsLimit> read_pids(int pid) const;
  [[nodiscard]] std::optional<std::uint64_t> age_of(const Stat& stat) const;
  [[nodiscard]] std::size_t count_adopted(const Container& container,
                                          std::span<const Process> processes) const;
  void look_again(const std::vector<PidNamespaceMembers>& namespaces, Survey& survey) const;

  std::string folder_;
  Fd fd_;
  Mounts mounts_;
};

}  // namespace runi
