// Which containers there are, what they are called, and whether they need an init: from what was read of the
// machine, without touching it.
#pragma once

#include "runictl/containers/proc_files.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// A PID namespace below that of the /proc: indexes into the processes.
struct PidNamespaceMembers {
  std::size_t first = 0;             // its PID 1, which lives
  std::vector<std::size_t> members;  // all that are in it and in none below it, PID 1 too
  std::vector<std::size_t> held;     // zombies that are PID 1's to reap
  std::vector<std::size_t> others;   // zombies in it that are another process's to reap
};

// Whether a process may be in another PID namespace than its parent, so that only the inode of its own tells
// which. `processes` stand in the order of their pids.
[[nodiscard]] bool enters_namespace(const Process& process, std::span<const Process> processes);

// In the order of the pids of their PID 1. A process that was brought into its namespace from outside, and
// whose Process::pid_namespace is not known, is in none of them, with all that descends from it.
[[nodiscard]] std::vector<PidNamespaceMembers> find_namespaces(std::span<const Process> processes);

// What an engine calls a container; empty where it is not known.
struct Identity {
  std::string engine;  // "containerd", "cri-o", "docker", "podman", "runc", …
  std::string id;
  std::string name;  // in a pod, of the container in it
  std::string pod;
  std::string pod_namespace;
  std::string pod_uid;
  bool sandbox = false;  // holds a pod's namespaces; the kubelet's users never see it

  // As whom the engine starts PID 1, in the reader's ids, and whether that may signal other users' processes:
  // so an init would run.
  std::optional<std::uint64_t> first_uid;
  bool signals_all = true;
};

// Whether somebody who says `word` means it: its id, its name, or title_of() it; or how its id begins.
enum class Meant : std::uint8_t { no, perhaps, yes };
[[nodiscard]] Meant is_meant(const Identity& identity, std::string_view word);

// The name to show, the best there is: "namespace/pod/container", the name, the start of the id; or nothing.
[[nodiscard]] std::string title_of(const Identity& identity);

// What the path of a cgroup tells: engine, id, pod_uid. Sources: the paths that containerd's CRI, CRI-O,
// dockerd, podman, LXC and systemd-nspawn make under cgroupfs and under systemd.
[[nodiscard]] Identity read_cgroup(std::string_view path);

// What the command line of PID 1's parent tells, if that is what supervises containers for an engine.
struct Supervisor {
  std::string engine;
  std::string id;              // of the container, or of its pod's sandbox
  std::string name;            // conmon's -n
  std::string bundle;          // as its own root directory has it; may be relative to its working directory
  bool bundle_is_cwd = false;  // its working directory is the bundle of `id`, and others lie beside it
};
[[nodiscard]] Supervisor read_supervisor(const std::vector<std::string>& words);

// Whether a process of this name (comm) can be one.
[[nodiscard]] bool may_supervise(std::string_view name);

// Adds what the bundle's config.json says in its annotations to what is not known yet. Sources: containerd
// pkg/cri/annotations, CRI-O internal/annotations, kubelet labels. False: the bytes are no such file.
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

// What becomes of a SIGTERM sent to PID 1.
enum class Sigterm {
  dropped,  // no handler: the kernel drops it, because it is PID 1
  ignored,  // by its own wish
  blocked,  // may be waited for, by sigwait(3) or signalfd(2)
  handled,
};
[[nodiscard]] Sigterm sigterm_of(const Process& first);
[[nodiscard]] std::string_view name_of(Sigterm sigterm);

// The version that a runi-init of these bytes is. Empty where it is none.
[[nodiscard]] std::string version_of_init(std::string_view bytes);

struct PidsLimit {
  std::uint64_t current = 0;
  std::uint64_t max = 0;
};

struct Container {
  Process first;
  int outer = 0;  // the PID 1 of the container that it is in; 0 where it is in none, or in an unknown one
  std::string outer_title;
  Identity identity;
  std::string program;  // the file that PID 1 executes; empty where it may not be seen
  std::vector<std::string> arguments;
  bool is_runi_init = false;  // whatever the file is called
  std::string init_version;   // of runi-init; empty where it is another, or may not be seen
  bool sealed = false;        // its program and environment are not for the reader to see
  std::optional<std::uint64_t> age_s;
  std::size_t processes = 0;
  std::size_t held_zombies = 0;
  std::size_t other_zombies = 0;
  std::size_t adopted =
      0;  // living children of PID 1's whose session's leader has ended: daemons, most likely

  std::optional<std::uint64_t> oldest_zombie_s;  // since the oldest of the held ones started
  std::optional<PidsLimit> pids;                 // of the cgroup above it that is closest to its limit
};

// The same of a container; where only what it is in has a name, "in " and that.
[[nodiscard]] std::string title_of(const Container& container);

enum class Verdict {
  needs_init,
  no_help,
  ignores_sigterm,
  fine,
  has_init,
  init_system,
  sandbox,
  not_started
};
[[nodiscard]] std::string_view name_of(Verdict verdict);

// Why a container needs an init.
enum class Cause {
  zombies,
  shell,       // which drops SIGTERM, and so does not pass it on
  no_handler,  // any other program that drops SIGTERM
};
[[nodiscard]] std::string_view name_of(Cause cause);

struct Assessment {
  Verdict verdict = Verdict::fine;
  std::vector<Cause> causes;  // of needs_init and no_help; not empty there
  std::string init;           // of has_init and init_system: its name
  std::string text;           // for people: "needs an init: 12 zombies; …"
};

[[nodiscard]] Assessment assess(const Container& container);

// Worst first: whether `a` is to be shown before `b`.
[[nodiscard]] bool is_worse(const Container& a, const Assessment& of_a, const Container& b,
                            const Assessment& of_b);

// "45s", "12m", "3h", "17d".
[[nodiscard]] std::string format_age(std::uint64_t seconds);

}  // namespace runi
