#include "runictl/engines/kinds.h"

#include "runictl/engines/containerd.h"
#include "runictl/engines/docker_edit.h"

namespace runi {
namespace {

// Source: the documentation of containerd, k3s, RKE2, k0s, MicroK8s, CRI-O, Docker and podman. A CRI-O that
// is only reloaded lists a new handler and cannot run it.
constexpr EngineKind kKinds[] = {
    {"containerd",
     EngineType::containerd,
     kContainerdMain,
     "containerd",
     {"containerd.service"},
     "/run/containerd/containerd.sock",
     Reloading::restart},
    {"k3s",
     EngineType::containerd,
     "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
     "/var/lib/rancher/k3s/data/current/bin/containerd",
     {"k3s.service", "k3s-agent.service"},
     "/run/k3s/containerd/containerd.sock",
     Reloading::restart,
     true},
    {"rke2",
     EngineType::containerd,
     "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
     "/var/lib/rancher/rke2/bin/containerd",
     {"rke2-server.service", "rke2-agent.service"},
     "/run/k3s/containerd/containerd.sock",
     Reloading::restart,
     true},
    {"k0s",
     EngineType::containerd,
     "/etc/k0s/containerd.toml",
     "/var/lib/k0s/bin/containerd",
     {"k0scontroller.service", "k0sworker.service"},
     "/run/k0s/containerd.sock",
     Reloading::by_itself,
     true,
     "/etc/k0s/containerd.d"},
    {"microk8s",
     EngineType::containerd,
     "/var/snap/microk8s/current/args/containerd.toml",
     "/snap/microk8s/current/bin/containerd",
     {"snap.microk8s.daemon-containerd.service"},
     "/var/snap/microk8s/common/run/containerd.sock",
     Reloading::restart,
     true},
    {"crio",
     EngineType::crio,
     "/etc/crio/crio.conf",
     "crio",
     {"crio.service"},
     "/run/crio/crio.sock",
     Reloading::restart},
    {"docker",
     EngineType::docker,
     kDockerFile,
     "dockerd",
     {"docker.service"},
     "/run/docker.sock",
     Reloading::reload},
    {"podman", EngineType::podman, "/etc/containers/containers.conf", "podman", {}, "", Reloading::by_itself},
};

}  // namespace

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
