#include "runictl/host/processes.h"

#include "core/path.h"
#include "runictl/containers/proc_files.h"
#include "runictl/engines/kinds.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>

namespace runi {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

// Source: kubelet(8), since Kubernetes 1.24.
constexpr std::string_view kDefaultEndpoint = "/run/containerd/containerd.sock";

std::string read_some(const Machine& machine, const std::string& path) {
  const auto fd = machine.open(path, O_RDONLY);
  if (!fd) return {};
  auto text = read_first(fd->number(), kMaxBytes);
  return text ? std::move(*text) : std::string();
}

std::string link_of(const Machine& machine, const std::string& path) {
  const auto fd = machine.open(path, O_PATH | O_NOFOLLOW);
  if (!fd) return {};
  std::array<char, PATH_MAX> target{};
  const ssize_t length = readlinkat(fd->number(), "", target.data(), target.size());
  return length <= 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(length));
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// Whether it is root's and in no container: anybody can give a process the name of an engine and a command
// line that leads to other files.
bool is_of_machine(const std::string& status) {
  const auto process = parse_status(status);
  return process && process->depth == 1 && process->uid == 0 && process->real_uid == 0 &&
         process->saved_uid == 0;
}

// The kubelet's configuration is YAML, or JSON, which is YAML; this key is at its outermost level.
std::string endpoint_in(const std::string& configuration) {
  constexpr std::string_view kKey = "containerRuntimeEndpoint";
  for (const std::string& line : split(configuration, '\n')) {
    const std::size_t at = line.find(kKey);
    if (at == std::string::npos || line.find('#') < at) continue;
    const std::size_t colon = line.find(':', at);
    if (colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t\"'", colon + 1);
    if (begin == std::string::npos) continue;
    return line.substr(begin, line.find_first_of(" \t\"',\r", begin) - begin);
  }
  return {};
}

}  // namespace

std::vector<HostProcess> find_processes(const Machine& machine, std::span<const std::string_view> names) {
  std::vector<HostProcess> found;
  for (const std::string& pid : machine.names_in("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string folder = "/proc/" + pid;
    std::string name = read_some(machine, folder + "/comm");
    if (name.ends_with('\n')) name.pop_back();
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    if (!is_of_machine(read_some(machine, folder + "/status"))) continue;
    found.push_back(
        {name, split(read_some(machine, folder + "/cmdline"), '\0'), link_of(machine, folder + "/exe")});
  }
  return found;
}

std::string option_of(const HostProcess& process, std::span<const std::string_view> spellings) {
  std::string value;
  for (std::size_t i = 1; i < process.arguments.size(); ++i) {
    const std::string& word = process.arguments[i];
    for (const std::string_view option : spellings) {
      if (word == option && i + 1 < process.arguments.size()) value = process.arguments[i + 1];
      if (word.starts_with(std::string(option) + "=")) value = word.substr(option.size() + 1);
    }
  }
  return value;
}

std::string find_kubelets_socket(const Machine& machine) {
  constexpr std::string_view kNames[] = {"kubelet", "k3s-server", "k3s-agent", "kubelite"};
  for (const HostProcess& kubelet : find_processes(machine, kNames)) {
    std::string endpoint = option_of(kubelet, std::array{std::string_view("--container-runtime-endpoint")});
    if (endpoint.empty()) {
      const std::string config = option_of(kubelet, std::array{std::string_view("--config")});
      if (config.starts_with('/')) endpoint = endpoint_in(read_some(machine, config));
    }
    // These have the kubelet in them, and a containerd of their own.
    const EngineKind* own = find_engine_kind(kubelet.name.starts_with("k3s") ? "k3s" : "microk8s");
    if (endpoint.empty()) endpoint = kubelet.name == "kubelet" ? kDefaultEndpoint : own->socket;
    return socket_path(endpoint);
  }
  return {};
}

std::string socket_path(std::string_view endpoint) {
  constexpr std::string_view kScheme = "unix://";
  if (endpoint.starts_with(kScheme)) endpoint.remove_prefix(kScheme.size());
  constexpr std::string_view kOldRun = "/var/run/";
  if (endpoint.starts_with(kOldRun)) return "/run/" + std::string(endpoint.substr(kOldRun.size()));
  return std::string(endpoint);
}

}  // namespace runi
