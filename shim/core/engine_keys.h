// The annotations in which engines note the name of a container, its pod, and whether it is a sandbox.
#pragma once

#include <string_view>

namespace runi {

// containerd, pkg/cri/annotations.
inline constexpr std::string_view kContainerdContainerName = "io.kubernetes.cri.container-name";
inline constexpr std::string_view kContainerdContainerType = "io.kubernetes.cri.container-type";
inline constexpr std::string_view kContainerdPodName = "io.kubernetes.cri.sandbox-name";
inline constexpr std::string_view kContainerdPodNamespace = "io.kubernetes.cri.sandbox-namespace";
inline constexpr std::string_view kContainerdPodUid = "io.kubernetes.cri.sandbox-uid";

// CRI-O, internal/annotations.
inline constexpr std::string_view kCrioContainerType = "io.kubernetes.cri-o.ContainerType";
inline constexpr std::string_view kCrioName = "io.kubernetes.cri-o.Name";  // "k8s_container_pod_…"
inline constexpr std::string_view kCrioPodName = "io.kubernetes.cri-o.KubeName";
inline constexpr std::string_view kCrioPodNamespace = "io.kubernetes.cri-o.Namespace";

// Labels of the kubelet (Kubernetes, pkg/kubelet/types/labels.go), which CRI-O writes out as annotations with
// all other labels (internal/factory/container, SpecAddAnnotations).
inline constexpr std::string_view kKubeletContainerName = "io.kubernetes.container.name";
inline constexpr std::string_view kKubeletPodName = "io.kubernetes.pod.name";
inline constexpr std::string_view kKubeletPodNamespace = "io.kubernetes.pod.namespace";
inline constexpr std::string_view kKubeletPodUid = "io.kubernetes.pod.uid";

// nerdctl, pkg/labels.
inline constexpr std::string_view kNerdctlName = "nerdctl/name";

// What the two container types say of a pod's sandbox.
inline constexpr std::string_view kSandboxType = "sandbox";

}  // namespace runi
