// What an engine calls a container, from the traces that it leaves: cgroups, bundle, environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runi {

// Empty where it is not known.
struct Identity {
  std::string engine;  // "containerd", "cri-o", "docker", "podman", "runc", …
  std::string id;
  std::string name;  // in a pod, of the container in it
  std::string pod;
  std::string pod_namespace;
  std::string pod_uid;
  bool sandbox = false;  // holds a pod's namespaces; the kubelet's users never see it

  // The user that the engine starts PID 1 as, in the reader's ids, and whether that user may signal the
  // processes of others. An init would run as this user.
  std::optional<std::uint64_t> first_uid;
  bool signals_all = true;
};

// The name to show, the best there is: "namespace/pod/container", the name, the start of the id; or nothing.
[[nodiscard]] std::string title_of(const Identity& identity);

// Whether `word` names it: its id, its name, or title_of() it. Perhaps: its id begins so.
enum class Meant : std::uint8_t { no, perhaps, yes };
[[nodiscard]] Meant is_meant(const Identity& identity, std::string_view word);

// What the path of a cgroup tells: engine, id, name, pod_uid. Sources: the paths that containerd's CRI,
// CRI-O, dockerd, podman, LXC and systemd-nspawn make under cgroupfs and under systemd.
[[nodiscard]] Identity read_cgroup(std::string_view path);

// Adds what the bundle's config.json says to what is not known yet: names by the annotations of
// core/engine_keys.h, and the first user. False: the bytes are no such file.
bool read_bundle(std::string_view config, Identity& identity);

// The folder in which dockerd keeps what it knows of the container: that of the file that is mounted as its
// /etc/hostname. Empty where there is none, or the folder is not called as the container is.
[[nodiscard]] std::string find_docker_folder(std::string_view config, std::string_view id);

// Adds what dockerd's config.v2.json says: the container's name.
void read_docker_state(std::string_view bytes, Identity& identity);

// Adds what the environment of PID 1 suggests: Kubernetes sets HOSTNAME to the pod's name; podman, LXC and
// others set `container`.
void read_environment(std::string_view environment, Identity& identity);

// Parts "k8s_container_pod_namespace_uid_attempt", as CRI-O and cri-dockerd call containers.
void split_kubernetes_name(Identity& identity);

}  // namespace runi
