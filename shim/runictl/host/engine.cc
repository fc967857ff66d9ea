#include "runictl/host/engine.h"

#include "core/path.h"
#include "runictl/engines/judge.h"
#include "runictl/host/cri.h"
#include "runictl/host/engine_signal.h"
#include "runictl/host/proof.h"
#include "runictl/host/systemd.h"
#include "runictl/machine/procfs.h"
#include "system/deadline.h"
#include "system/error.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <utility>

namespace runi {
namespace {

constexpr int kReloadSeconds = 120;
constexpr int kCallSeconds = 10;
constexpr std::chrono::seconds kPatience(60);
constexpr std::chrono::milliseconds kPause(200);
constexpr std::string_view kSystemd = "/run/systemd/private";

// A socket of the machine under a name that this process can connect to.
struct Socket {
  std::string name;
  Fd fd;  // what the name needs to hold
};

Result<Socket> find_socket(const Machine& machine, const std::string& path) {
  if (machine.is_this()) return Socket{path, Fd()};
  auto found = machine.find(path);
  if (!found) return with_context(path, found.error());
  if (!*found) return Error{path + ": nobody listens: there is no such socket"};
  return Socket{(*found)->handle, std::move((*found)->fd)};
}

Result<Cri> connect_to_cri(const Machine& machine, const EngineFacts& facts, Socket& socket) {
  auto found = find_socket(machine, facts.socket);
  if (!found) return found.error();
  socket = std::move(*found);
  return Cri::connect(socket.name, kCallSeconds);
}

}  // namespace

Result<void> Engine::reload() const {
  switch (by_) {
    case RestartBy::systemd: return reload_by_systemd();
    case RestartBy::signal: return reload_by_signal();
    case RestartBy::nothing: return {};
  }
  return {};
}

Result<void> Engine::reload_by_systemd() const {
  const auto socket = find_socket(machine_, std::string(kSystemd));
  const auto systemd = socket ? Systemd::connect(socket->name) : Result<Systemd>(socket.error());
  if (!systemd) {
    return Error{systemd.error().what + "; restart by --restart signal, or by hand after --restart none"};
  }
  std::string unit(facts_.kind->units[0]);
  for (const std::string_view each : facts_.kind->units) {
    if (each.empty()) continue;
    const auto state = systemd->active_state(std::string(each));
    if (state && *state != "inactive") unit = each;
  }
  if (facts_.kind->reloading == Reloading::reload) return systemd->reload(unit, kReloadSeconds);
  return systemd->restart(unit, kReloadSeconds);
}

Result<void> Engine::reload_by_signal() const {
  const auto socket = find_socket(machine_, facts_.socket);
  if (!socket) return socket.error();
  const bool is_reload = facts_.kind->reloading == Reloading::reload;
  // CRI-O takes SIGHUP for a reload, which is not enough.
  const int signal = facts_.kind->type == EngineType::crio ? SIGTERM : SIGHUP;
  const auto process = signal_peer(socket->name, signal);
  if (!process) return process.error();
  // A connection would not do to see the end: the engine may wait for its connections to end before it does.
  if (!is_reload && !wait_to_read(process->number(), Clock::now() + kPatience)) {
    return Error{facts_.socket +
                 ": the engine has not ended within a minute after the signal; restart it by hand"};
  }
  return {};
}

Result<void> Engine::await(const std::string& handler) const {
  if (by_ == RestartBy::nothing || !has_cri(*facts_.kind)) return {};
  const auto deadline = Clock::now() + kPatience;
  std::string last;
  for (;;) {
    Socket socket;
    const auto cri = connect_to_cri(machine_, facts_, socket);
    const auto status = cri ? cri->status() : Result<CriStatus>(cri.error());
    if (status && handler.empty()) return {};
    if (!status) {
      last = status.error().what;
    } else if (!status->is_ready) {
      last = facts_.socket + ": the engine is not ready: " + status->why;
    } else if (status->handlers && std::find(status->handlers->begin(), status->handlers->end(), handler) ==
                                       status->handlers->end()) {
      last = facts_.socket + ": the engine does not list the handler " + quoted(handler);
    } else {
      return {};
    }
    if (Clock::now() > deadline) return Error{last};
    std::this_thread::sleep_for(kPause);
  }
}

std::optional<bool> Engine::lists(const std::string& handler) const {
  if (!has_cri(*facts_.kind)) return std::nullopt;
  Socket socket;
  const auto cri = connect_to_cri(machine_, facts_, socket);
  const auto status = cri ? cri->status() : Result<CriStatus>(cri.error());
  if (!status || !status->handlers) return std::nullopt;
  return std::find(status->handlers->begin(), status->handlers->end(), handler) != status->handlers->end();
}

Result<std::string> Engine::prove(const std::string& handler, const std::string& program,
                                  const std::string& runictl) const {
  if (has_cri(*facts_.kind)) {
    const auto socket = find_socket(machine_, facts_.socket);
    if (!socket) return socket.error();
    auto proof = prove_by_cri({socket->name, handler, runictl});
    if (!proof) return proof.error();
    return std::move(proof->note);
  }
  const auto root = machine_.open("/", O_PATH | O_DIRECTORY);
  if (!root) return root.error();
  const std::string folder = machine_.is_this() ? "/" : proc_path(root->number());
  if (auto proven = prove_by_runi(program, runictl, folder); !proven) return proven.error();
  return std::string();
}

Result<std::vector<std::string>> Engine::containers_of(const std::string& handler, bool is_default) const {
  std::vector<std::string> names;
  if (has_cri(*facts_.kind)) {
    Socket socket;
    const auto cri = connect_to_cri(machine_, facts_, socket);
    const auto sandboxes = cri ? cri->sandboxes() : Result<std::vector<CriSandbox>>(cri.error());
    if (sandboxes) {
      for (const CriSandbox& sandbox : *sandboxes) {
        const bool is_ours = sandbox.handler == handler || (is_default && sandbox.handler.empty());
        if (is_ours) names.push_back(sandbox.name_space + "/" + sandbox.name);
      }
      return names;
    }
  }
  // The engine does not answer, or has nobody to ask.
  const auto folder = machine_.find("/proc");
  if (!folder || !*folder) return names;
  const auto proc = Procfs::open((*folder)->handle);
  if (!proc) return names;  // an image of a machine, on which nothing runs
  const auto survey = proc->survey();
  if (!survey) return survey.error();
  const std::string_view engine = facts_.kind->type == EngineType::containerd ? "containerd"
                                  : facts_.kind->type == EngineType::crio     ? "cri-o"
                                                                              : facts_.kind->name;
  for (const Container& container : survey->containers) {
    if (!container.is_runi_init || container.identity.engine != engine) continue;
    names.push_back(title_of(container, survey->containers));
  }
  return names;
}

}  // namespace runi
