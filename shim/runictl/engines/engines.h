// Whether the configurations of all container engines on a machine that name runi are right. Pure: files come
// as text, and what lies at the paths they name is given.
#pragma once

#include "runictl/engines/containerd.h"
#include "runictl/engines/crio.h"
#include "runictl/engines/judge.h"

#include <optional>
#include <string>
#include <vector>

namespace runi {

// One containerd: the system's, or one that a distribution of Kubernetes brings.
struct ContainerdFiles {
  std::vector<ConfigFile> files;   // the main file, and after it those it imports, in order; never empty
  std::optional<Merging> merging;  // how the program merges them; empty where it cannot be asked
};

// A configuration that is there and cannot be read.
struct UnreadFile {
  std::string engine;
  std::string path;
  std::string why;
};

// Each engine's files, in the order in which the engine reads them.
struct EngineFiles {
  std::vector<ContainerdFiles> containerds;
  std::vector<ConfigFile> containerd_left_out;  // of kContainerdDropIns, those that no main file imports
  std::vector<ConfigFile> crio;
  std::vector<ConfigFile> podman;
  std::vector<ConfigFile> docker;  // each the daemon.json of another daemon
  std::vector<UnreadFile> unread;
};

// The programs that the files name, each once, in their order: what judge_engines has to be told of.
[[nodiscard]] std::vector<std::string> programs_named(const EngineFiles& files);

[[nodiscard]] std::vector<Finding> judge_engines(const EngineFiles& files, const Programs& programs,
                                                 const CrioFacts& crio);

}  // namespace runi
