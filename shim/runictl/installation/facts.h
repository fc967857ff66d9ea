// What can be known of how runi is installed on a machine: the programs, the names that lead to them, and
// what each name leads to. Facts only; judge.h says what is wrong with them.
#pragma once

#include "core/config.h"
#include "core/result.h"
#include "runictl/engines/judge.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// A file as it lies there, symbolic links followed.
struct FileFacts {
  std::string path;        // without symbolic links, as the machine itself would name it
  std::uint32_t mode = 0;  // st_mode
  std::uint32_t uid = 0;
  std::string label;  // SELinux's; empty where it has none
};

// A path at which it cannot be told what lies there.
struct Unseen {
  std::string subject;  // what it is looked at for: "runi", "runtime", "init"
  std::string path;
  std::string why;
};

struct RuniProgram {
  FileFacts file;
  std::string version;  // empty where it is older than the mark of versions
};

// A name by which runi is called: a handler.
struct Lead {
  std::string name;
  std::string path;  // the link or the file, or what an engine's configuration names
  bool is_named_by_engine = false;
  std::string program;  // the path of a RuniProgram
};

// Which runi there are and what leads to them.
struct Installation {
  std::string own;  // the program that the machine's runictl belongs to; empty where there is none
  std::vector<RuniProgram> programs;  // by their paths
  std::vector<Lead> leads;            // each pair of name and program once
  Programs named;                     // what engines' configurations name, whether it is runi or not
  std::vector<Unseen> unseen;
};

// A file in one of the directories where runi looks for its configuration.
struct ConfigurationFile {
  std::string path;
  std::string handler;    // whose it is by its name; "config" is for all
  std::string hidden_by;  // the file that runi reads in its stead; empty where it reads this one
  bool is_known = true;   // whether something leads to a runi that looks there, by that name
  std::optional<FileFacts> file;
  std::optional<Error> unreadable;
  std::optional<Error> broken;  // it can be read and is wrong
};

// What a handler's name leads to. Programs and inits stand in Handlers, by their paths here.
struct Handler {
  std::string name;
  std::string program;                          // runi's; empty where there is none
  Config config;                                // of the file that it reads, which is not broken
  std::vector<std::string> runtime_candidates;  // in the order in which they are looked for
  std::string runtime;                          // the first that can be used; empty where there is none
  std::vector<std::string> init_candidates;     // none where neither runi nor the init has a known place
  std::string init;                             // the first that is there; empty where there is none
  std::optional<bool> has_log_directory;        // of a log that is a file; empty where it cannot be told
};

struct Runtime {
  FileFacts file;
  bool is_runi = false;
  std::optional<Result<std::string>> version;  // what it says of itself; empty where it was not run
};

struct InitFile {
  FileFacts file;
  std::string version;         // empty where the file does not tell
  std::optional<Error> fault;  // why runi would not take it
};

// All that handlers lead to, and what was looked at on the way.
struct Handlers {
  std::vector<Handler> handlers;
  std::map<std::string, Runtime> runtimes;
  std::map<std::string, InitFile> inits;
  std::vector<Unseen> unseen;
};

// What holds for the machine as a whole, and for who looks at it.
struct MachineFacts {
  bool is_this = false;  // the one that runictl runs on, whose programs may be run
  bool is_root = false;  // the caller
  bool has_selinux = false;
  bool has_syslog = true;  // something listens on /dev/log; asked of this machine only
};

// What the kernel offers the init.
struct KernelFacts {
  bool reaps = false;  // orphans, by itself
  bool has_seccomp = false;
};

// The version of the runi that a file with these bytes is. Returns an empty string where it is older than the
// mark of versions, and an empty optional where it is not runi.
[[nodiscard]] std::optional<std::string> version_of_runi(std::string_view bytes);

}  // namespace runi
