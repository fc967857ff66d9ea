#include "runictl/installer/hosts.h"

namespace runi {
namespace {

constexpr std::string_view kOsRelease = "/etc/os-release";
constexpr std::string_view kPrefix = "/opt/runi";

struct Host {
  std::string_view id;
  std::string_view cause;  // why it cannot be; empty where it can
  std::string_view remedy;
  std::string_view prefix = kPrefix;
};

// Source: the documentation of each. On Container-Optimized OS only this directory below /home may hold
// programs.
constexpr Host kHosts[] = {
    {"bottlerocket",
     "Bottlerocket makes containerd's configuration from its settings, and has no place for programs",
     "use nodes with another operating system"},
    {"talos", "Talos makes containerd's configuration at each boot, and has no place for programs",
     "add runi as a system extension"},
    {"cos", "", "", "/home/kubernetes/bin/runi"},
};

const Host* find_host(std::string_view id) {
  for (const Host& host : kHosts) {
    if (host.id == id) return &host;
  }
  return nullptr;
}

}  // namespace

std::string os_id_of(std::string_view os_release) {
  while (!os_release.empty()) {
    std::string_view line = os_release.substr(0, os_release.find('\n'));
    os_release.remove_prefix(std::min(line.size() + 1, os_release.size()));
    if (!line.starts_with("ID=")) continue;
    line.remove_prefix(3);
    while (!line.empty() && (line.front() == '"' || line.front() == '\'')) line.remove_prefix(1);
    return std::string(line.substr(0, line.find_first_of("\"' \t\r")));
  }
  return {};
}

std::optional<Refusal> refusal_of_host(std::string_view os_id) {
  const Host* host = find_host(os_id);
  if (host == nullptr || host->cause.empty()) return std::nullopt;
  return Refusal{std::string(kOsRelease), std::string(host->cause), std::string(host->remedy)};
}

std::string_view default_prefix(std::string_view os_id) {
  const Host* host = find_host(os_id);
  return host == nullptr ? kPrefix : host->prefix;
}

}  // namespace runi
