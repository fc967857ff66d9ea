// The edit that gives a containerd a handler that calls runi, and the one that takes it away again. Pure.
//
// Where containerd merges its files, 2.0 and later, and the main file imports a folder, the handler is a file
// of its own there. Its version is that of the main file as it is on disk: not the one that `containerd
// config dump` shows, and never a later one (see Merging). Elsewhere it is a marked block at the end of the
// file that counts, because containerd 1.x would take the CRI plugin's whole table from a file of its own.
#pragma once

#include "runictl/engines/containerd.h"
#include "runictl/engines/edit.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// One containerd as the edit has to know it.
struct ContainerdSetup {
  ConfigFile
      main;  // its main file; where there is none, the path and what `containerd config default` prints
  bool main_exists = true;
  std::vector<ConfigFile> imported;  // what the main file imports, in order
  Merging merging = Merging::merges_first;
  bool rendered = false;      // the main file is written anew at each start, as k3s and RKE2 do
  std::string drop_ins = {};  // a folder that is read though the main file does not import it; may be empty
  std::string defaults =
      {};  // of a 1.x that has a main file: what `containerd config default` prints; may be empty
};

// The handler's settings are those of the handler that it is to be like, and pod_annotations and BinaryName.
[[nodiscard]] Edit add_to_containerd(const ContainerdSetup& setup, const HandlerWanted& wanted);

// The runtime of the handler that ours is to be like, as it stands there: a path, or a name; empty where none
// is named, which is runc, or where nothing can be added.
[[nodiscard]] std::string runtime_of_containerd(const ContainerdSetup& setup, const HandlerWanted& wanted);

// Whether blocks of other handlers in the file need what stands only in that of this one: the file's version,
// or containerd's own handler, which is gone as soon as a file names any.
[[nodiscard]] bool others_need_block(const ConfigFile& file, std::string_view handler);

// The first of the edits that this takes, which is the only one unless a person has copied the block.
[[nodiscard]] Edit remove_from_containerd(std::span<const ConfigFile> files, std::string_view handler);

}  // namespace runi
