#include "runictl/engines/kinds.h"

#include "runictl/engines/containerd.h"
#include "runictl/engines/docker_edit.h"

namespace runi {
namespace {

// Source: the documentation of containerd, k3s, RKE2, k0s, MicroK8s, CRI-O, Docker and podman. A CRI-O that
// is only reloaded lists a new handler and cannot run it.
constexpr EngineKind kKinds[] = {
    {.type = EngineType::containerd,
     .reloading = Reloading::restart,
     .name = "containerd",
     .config = kContainerdMain,
     .program = "containerd",
     .units = {"containerd.service"},
     .socket = "/run/containerd/containerd.sock"},
    {.type = EngineType::containerd,
     .reloading = Reloading::restart,
     .rendered = true,
     .name = "k3s",
     .config = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
     .program = "/var/lib/rancher/k3s/data/current/bin/containerd",
     .units = {"k3s.service", "k3s-agent.service"},
     .socket = "/run/k3s/containerd/containerd.sock"},
    {.type = EngineType::containerd,
     .reloading = Reloading::restart,
     .rendered = true,
     .name = "rke2",
     .config = "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
     .program = "/var/lib/rancher/rke2/bin/containerd",
     .units = {"rke2-server.service", "rke2-agent.service"},
     .socket = "/run/k3s/containerd/containerd.sock"},
    {.type = EngineType::containerd,
     .reloading = Reloading::by_itself,
     .rendered = true,
     .name = "k0s",
     .config = "/etc/k0s/containerd.toml",
     .program = "/var/lib/k0s/bin/containerd",
     .units = {"k0scontroller.service", "k0sworker.service"},
     .socket = "/run/k0s/containerd.sock",
     .drop_ins = "/etc/k0s/containerd.d"},
    {.type = EngineType::containerd,
     .reloading = Reloading::restart,
     .rendered = true,
     .name = "microk8s",
     .config = "/var/snap/microk8s/current/args/containerd.toml",
     .program = "/snap/microk8s/current/bin/containerd",
     .units = {"snap.microk8s.daemon-containerd.service"},
     .socket = "/var/snap/microk8s/common/run/containerd.sock"},
    {.type = EngineType::crio,
     .reloading = Reloading::restart,
     .name = "crio",
     .config = "/etc/crio/crio.conf",
     .program = "crio",
     .units = {"crio.service"},
     .socket = "/run/crio/crio.sock"},
    {.type = EngineType::docker,
     .reloading = Reloading::reload,
     .name = "docker",
     .config = kDockerFile,
     .program = "dockerd",
     .units = {"docker.service"},
     .socket = "/run/docker.sock"},
    {.type = EngineType::podman,
     .reloading = Reloading::by_itself,
     .name = "podman",
     .config = "/etc/containers/containers.conf",
     .program = "podman",
     .units = {},
     .socket = ""},
};

}  // namespace

bool has_cri(const EngineKind& kind) {
  return kind.type == EngineType::containerd || kind.type == EngineType::crio;
}

std::span<const EngineKind> engine_kinds() {
  return kKinds;
}

const EngineKind* find_engine_kind(std::string_view name) {
  for (const EngineKind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace runi
