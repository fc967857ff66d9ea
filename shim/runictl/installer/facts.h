// What the plan of an installation goes by: what was asked for, and what is known of the machine. Pure.
#pragma once

#include "runictl/engines/containerd_edit.h"
#include "runictl/engines/kinds.h"
#include "runictl/installer/change.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// By what means an engine is made to read its configuration again.
enum class RestartBy : std::uint8_t { systemd, signal, nothing };

// One engine, and its files as they are now.
struct EngineFacts {
  const EngineKind* kind = nullptr;
  std::string program;            // the engine's own, as its machine names it
  std::string socket;             // as `program`
  ContainerdSetup containerd;     // of a containerd
  std::vector<ConfigFile> files;  // of another engine, in the order in which it reads them
  ConfigFile effective;           // of CRI-O: what it makes of its files, without the handler's own
};

// Programs to be copied to the machine, each as its bytes.
struct Payload {
  std::string version;
  std::string runi;
  std::string runictl;
  std::string init;
};

struct HostFacts {
  std::string os_id;
  EngineFacts engine;
  // What lies at a path, no link followed at its end.
  std::function<State(const std::string& path)> look;
  // The path without links of a program: of a path, or of a name in the system's directories. Empty where
  // there is none.
  std::function<std::string(const std::string& program)> resolve;
  std::string first_runtime;     // what runi becomes there if no configuration says otherwise, without links
  std::string config_directory;  // where runi looks for its configuration first
  std::string folder;            // where the program is that the handler calls
  std::string runictl;           // this program, as the machine will see it
  const Payload* payload = nullptr;  // null: runi is used where it is, in `folder`
  std::string prefix;                // where the payload goes
  std::string prefix_fault;          // why no program can be there; empty where it can
};

struct InstallWanted {
  std::string handler;
  std::string runtime;  // absolute; empty: that of the engine's default handler
  bool is_default = false;
  RestartBy restart = RestartBy::systemd;
};

struct UninstallWanted {
  std::string handler;
  std::string stand_in;  // a runtime that answers in runi's place for containers that still run; empty: none
  RestartBy restart = RestartBy::systemd;
};

}  // namespace runi
