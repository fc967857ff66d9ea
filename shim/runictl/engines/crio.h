// Whether the configuration of CRI-O that names runi is right. Pure.
// Source: crio.conf(5), crio.conf.d(5), and where those are silent CRI-O's pkg/config/config.go.
#pragma once

#include "runictl/engines/judge.h"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// What a machine has of that which CRI-O's configuration speaks of, besides handlers' own programs.
struct CrioFacts {
  struct File {
    std::string path;  // without symbolic links
    bool is_executable = false;
  };
  // By the names of files_of_crio; a name that is not in it is missing.
  std::map<std::string, File, std::less<>> files;
  // The runtime that runi becomes, without symbolic links, by the name that runi is called by. A name that is
  // not in it has none, or a broken configuration.
  std::map<std::string, std::string, std::less<>> runtimes;
};

// The programs that handlers name, which judge_crio has to be told of. The files are crio.conf and after it
// those of crio.conf.d, in the order in which CRI-O reads them.
[[nodiscard]] std::vector<std::string> programs_of_crio(std::span<const ConfigFile> files);

// The monitors and the programs of handlers and of the default one: paths, or names that CRI-O looks for in
// its PATH.
[[nodiscard]] std::vector<std::string> files_of_crio(std::span<const ConfigFile> files);

[[nodiscard]] Judgement judge_crio(std::span<const ConfigFile> files, const Programs& programs,
                                   const CrioFacts& facts);

// What `crio config` prints, with the default handler and the built-in ones, which it shows as comments.
[[nodiscard]] std::string read_crio_config(std::string_view printed);

}  // namespace runi
