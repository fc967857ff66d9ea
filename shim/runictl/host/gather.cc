#include "runictl/host/gather.h"

#include "core/path.h"
#include "runictl/engines/crio.h"
#include "runictl/host/processes.h"
#include "runictl/host/run.h"
#include "runictl/installer/hosts.h"
#include "runictl/machine/engine_files.h"
#include "runictl/machine/installation.h"
#include "runictl/machine/programs.h"
#include "system/files.h"
#include "system/programs.h"
#include "system/settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace runi {
namespace {

constexpr int kPatienceSeconds = 20;
constexpr std::size_t kMaxProgramBytes = 64 << 20;

bool exists(const Machine& machine, std::string_view path) {
  if (path.empty()) return false;
  const auto found = machine.find(std::string(path));
  return found && *found;
}

// The path without links of a program that can be executed.
std::string resolve(const Machine& machine, std::string_view program) {
  for (const std::string& path : program_candidates(program)) {
    const auto found = machine.find(path);
    if (found && *found && S_ISREG((*found)->mode) && ((*found)->mode & 0111) != 0) return (*found)->path;
  }
  return {};
}

using Kinds = std::vector<const EngineKind*>;

template <typename Wanted>
Kinds kinds_where(Wanted wanted) {
  Kinds kinds;
  for (const EngineKind& kind : engine_kinds()) {
    if (wanted(kind)) kinds.push_back(&kind);
  }
  return kinds;
}

Refusal refuse_several(const Kinds& kinds, const std::string& which) {
  std::string names;
  for (const EngineKind* kind : kinds) names += (names.empty() ? "" : ", ") + std::string(kind->name);
  return {"", "there are several container engines " + which + ": " + names, "name one with --engine"};
}

// The process of the engine itself, not of one that another has for itself.
std::optional<HostProcess> find_engine(const Machine& machine, const EngineKind& kind, std::string& config) {
  constexpr std::array<std::string_view, 3> kConfig = {"--config", "-c", "--config-file"};
  const std::string_view name = base_name(kind.program);
  std::vector<std::pair<HostProcess, std::string>> others;
  for (HostProcess& process : find_processes(machine, std::array{name})) {
    const std::string given = option_of(process, kConfig);
    if (given.empty() || given == kind.config) return std::move(process);
    const bool is_others =
        given.find("/docker/") != std::string::npos ||
        !kinds_where([&](const EngineKind& other) { return other.config == given; }).empty();
    if (!is_others) others.emplace_back(std::move(process), given);
  }
  if (others.size() != 1 || !others[0].second.starts_with('/')) return std::nullopt;
  config = others[0].second;
  return std::move(others[0].first);
}

// Where the engine is asked, as its own configuration or command line has it.
std::string socket_of(const EngineFacts& engine, const std::optional<HostProcess>& process) {
  std::string address;
  if (engine.kind->type == EngineType::containerd) {
    if (process) address = option_of(*process, std::array<std::string_view, 2>{"--address", "-a"});
    const TomlDocument document = parse_toml(engine.containerd.main);
    const TomlValue* named = descend(&document.root, std::array<std::string_view, 2>{"grpc", "address"});
    if (address.empty() && named != nullptr) address = named->text.value_or("");
  } else if (engine.kind->type == EngineType::crio && process) {
    address = option_of(*process, std::array<std::string_view, 1>{"--listen"});
  }
  return address.empty() ? std::string(engine.kind->socket) : socket_path(address);
}

using Fault = std::optional<Refusal>;

// The program, as a path that stays the same when a new version is installed beside it.
Fault find_program(const Machine& machine, const std::optional<HostProcess>& process, EngineFacts& engine) {
  const EngineKind& kind = *engine.kind;
  std::vector<std::string> candidates = program_candidates(kind.program);
  if (process && !kind.program.starts_with('/')) candidates.insert(candidates.begin(), process->program);
  for (const std::string& path : candidates) {
    const auto found =
        path.empty() ? Result<std::optional<Found>>(std::optional<Found>{}) : machine.find(path);
    if (!found || !*found || !S_ISREG((*found)->mode)) continue;
    if (!is_trusted(**found)) {
      return Refusal{path, "others than root can change this program, so it is not run",
                     "run chmod 0755 on it"};
    }
    engine.program = path;
    return std::nullopt;
  }
  return Refusal{std::string(kind.program), "the engine " + std::string(kind.name) + " is not installed",
                 "name another with --engine"};
}

// What only an addition has to know: how the program makes one configuration of the files.
Fault ask_containerd(const Machine& machine, const std::string& main, EngineFacts& engine,
                     std::string& fallback) {
  const auto version = output_of(machine, {engine.program, "--version"}, kPatienceSeconds);
  const auto merging = version ? merging_of(*version) : std::nullopt;
  if (!merging) {
    return Refusal{
        engine.program,
        version ? "prints no version that is known: " + version->substr(0, 80) : version.error().what,
        "install a containerd of version 1.6 or later"};
  }
  engine.containerd.merging = *merging;
  const bool has_main = exists(machine, main);
  if (has_main && *merging != Merging::replaces) return std::nullopt;
  auto defaults = output_of(machine, {engine.program, "config", "default"}, kPatienceSeconds);
  if (!defaults) return Refusal{engine.program, defaults.error().what, "start containerd by hand to see why"};
  (has_main ? engine.containerd.defaults : fallback) = std::move(*defaults);
  return std::nullopt;
}

void gather_containerd(const Machine& machine, const std::string& main, const std::string& fallback,
                       EngineFacts& engine, EngineFiles& files) {
  ContainerdSetup& setup = engine.containerd;
  setup.rendered = engine.kind->rendered;
  setup.drop_ins = engine.kind->drop_ins;
  setup.main_exists = exists(machine, main);
  files = read_files_of(machine, *engine.kind, main, fallback);
  std::vector<ConfigFile>& read = files.containerds.front().files;
  setup.main.path = main;
  if (read.empty()) return;
  setup.main = std::move(read.front());
  setup.imported.assign(std::make_move_iterator(read.begin() + 1), std::make_move_iterator(read.end()));
}

Fault ask_crio(const Machine& machine, EngineFacts& engine) {
  auto effective = output_of(machine, {engine.program, "config"}, kPatienceSeconds);
  if (!effective) {
    return Refusal{engine.program, effective.error().what, "correct CRI-O's configuration first"};
  }
  engine.effective = {"crio config", read_crio_config(*effective)};
  return std::nullopt;
}

void gather_others(const Machine& machine, const std::string& main, EngineFacts& engine, EngineFiles& files) {
  files = read_files_of(machine, *engine.kind, main, "");
  for (std::vector<ConfigFile>* of : {&files.crio, &files.docker, &files.podman}) {
    for (ConfigFile& file : *of) engine.files.push_back(std::move(file));
  }
}

// Whether only root can change the file and what is above it, so that engines may run it where it lies.
bool is_trusted_place(const Machine& machine, std::string path) {
  for (;; path = directory_of(path)) {
    const auto found = machine.find(path);
    if (!found || !*found || (*found)->uid != 0 || ((*found)->mode & 0022) != 0) return false;
    if (path == "/") return fault_of_program_directory(machine, "/").empty();
  }
}

std::string first_runtime(const Machine& machine) {
  for (const std::string& path : runtime_candidates("")) {
    std::string real = resolve(machine, path);
    const auto found = real.empty() ? Result<std::optional<Found>>(Error{}) : machine.find(real);
    if (found && *found && !runi_version_of(**found)) return real;
  }
  return {};
}

}  // namespace

std::variant<const EngineKind*, Refusal> choose_engine(const Machine& machine) {
  if (const std::string socket = find_kubelets_socket(machine); !socket.empty()) {
    Kinds kinds = kinds_where([&](const EngineKind& kind) { return kind.socket == socket; });
    // k3s and RKE2 have one socket.
    if (kinds.size() > 1) {
      std::erase_if(kinds, [&](const EngineKind* kind) { return !exists(machine, kind->config); });
    }
    if (!kinds.empty()) return kinds.front();
    return Refusal{socket, "the kubelet's engine is not one that is known by its socket",
                   "name it with --engine"};
  }
  const Kinds running = kinds_where([&](const EngineKind& kind) { return exists(machine, kind.socket); });
  if (running.size() > 1) return refuse_several(running, "that run");
  if (!running.empty()) return running.front();
  const Kinds there = kinds_where([&](const EngineKind& kind) {
    return exists(machine, kind.config) || !resolve(machine, kind.program).empty();
  });
  if (there.size() > 1) return refuse_several(there, "here");
  if (!there.empty()) return there.front();
  return Refusal{"", "there is no container engine here",
                 "name the directory of the machine's root with --host-root"};
}

std::variant<EngineFacts, Refusal> gather_engine(const Machine& machine, const EngineKind& kind,
                                                 Purpose purpose) {
  EngineFacts engine;
  engine.kind = &kind;
  std::string main(kind.config);
  const std::optional<HostProcess> process = find_engine(machine, kind, main);
  const bool is_containerd = kind.type == EngineType::containerd;
  std::string fallback;
  if (auto refusal = find_program(machine, process, engine); refusal && purpose == Purpose::addition) {
    return *refusal;
  }
  if (purpose == Purpose::addition) {
    Fault refusal;
    if (is_containerd) refusal = ask_containerd(machine, main, engine, fallback);
    if (kind.type == EngineType::crio) refusal = ask_crio(machine, engine);
    if (refusal) return *refusal;
  }
  EngineFiles files;
  if (is_containerd) {
    gather_containerd(machine, main, fallback, engine, files);
  } else {
    gather_others(machine, main, engine, files);
  }
  if (!files.unread.empty()) {
    return Refusal{files.unread.front().path, files.unread.front().why,
                   "correct this; its engine cannot read it either"};
  }
  engine.socket = socket_of(engine, process);
  return engine;
}

Result<Payload> read_payload() {
  const std::string runi = find_runi();
  if (runi == kSelf) return Error{"there is no runi beside runictl, nor in the system's directories"};
  const auto init = find_init("", runi);
  if (!init) return init.error();
  Payload payload{RUNI_VERSION, {}, {}, {}};
  for (const auto& [path, bytes] : {std::pair<std::string, std::string*>{runi, &payload.runi},
                                    {kSelf, &payload.runictl},
                                    {*init, &payload.init}}) {
    auto text = read_text(path, kMaxProgramBytes);
    if (!text) return with_context(path, text.error());
    if (!*text) return Error{path + ": no such file"};
    *bytes = std::move(**text);
  }
  return payload;
}

HostFacts gather_host(const Machine& machine, const HostFiles& files, const Payload& payload,
                      std::string prefix) {
  HostFacts facts;
  auto os_release = machine.read("/etc/os-release", kMaxConfigBytes);
  if (os_release && *os_release) facts.os_id = os_id_of(**os_release);
  facts.look = [&files](const std::string& path) {
    auto state = files.look(path);
    return state ? std::move(*state) : State{State::Kind::other, {}, 0};
  };
  facts.resolve = [&machine](const std::string& program) { return resolve(machine, program); };
  facts.first_runtime = first_runtime(machine);
  facts.config_directory = kConfigDirectory;
  const std::string runi = find_runi();
  if (prefix.empty() && machine.is_this() && is_trusted_place(machine, runi)) {
    facts.folder = directory_of(runi);
    if (const auto self = machine.find(kSelf); self && *self) facts.runictl = (*self)->path;
    return facts;
  }
  facts.payload = &payload;
  facts.prefix = prefix.empty() ? std::string(default_prefix(facts.os_id)) : std::move(prefix);
  facts.folder = joined(facts.prefix, "sbin");
  facts.runictl = joined(facts.folder, "runictl");
  facts.prefix_fault = fault_of_program_directory(machine, facts.prefix);
  return facts;
}

}  // namespace runi
