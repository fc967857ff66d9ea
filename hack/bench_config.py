"""A Kubernetes container's config.json of a wanted size, runnable in a plain bundle. The same bytes every time."""

import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
# What containerd wrote for a real container: own PID namespace, the pod's other ones, containerd's seccomp profile.
TEMPLATE = os.path.join(HERE, "../tests/golden/inputs/cri-own-pid-container.json")

SERVICES = ("catalog", "orders", "payments", "inventory", "shipping", "accounts", "search", "reviews", "sessions",
            "invoices", "mailer", "metrics", "gateway", "profiles", "pricing", "audit")
VOLUMES = (("/var/run/secrets/kubernetes.io/serviceaccount", "kubernetes.io~projected/kube-api-access"),
           ("/etc/app/config", "kubernetes.io~configmap/config"),
           ("/etc/app/tls", "kubernetes.io~secret/tls"),
           ("/var/cache/app", "kubernetes.io~empty-dir/cache"))
# containerd's defaults (oci/spec.go).
MASKED = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
          "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def service_links(number):
    """The variables that the kubelet sets in every container for one service of its namespace."""
    name = f"{SERVICES[number % len(SERVICES)]}-v{number // len(SERVICES) + 1}".upper().replace("-", "_")
    address, port = f"10.96.{number // 200}.{number % 200 + 10}", 8080
    tcp = f"{name}_PORT_{port}_TCP"
    return [f"{name}_SERVICE_HOST={address}", f"{name}_SERVICE_PORT={port}", f"{name}_SERVICE_PORT_HTTP={port}",
            f"{name}_PORT=tcp://{address}:{port}", f"{tcp}=tcp://{address}:{port}", f"{tcp}_PROTO=tcp",
            f"{tcp}_PORT={port}", f"{tcp}_ADDR={address}"]


def text_of(spec):
    return json.dumps(spec, separators=(",", ":")).encode()


def make(size, sources, cgroup, sandbox=None):
    """A specification, as bytes: the template with a pod's volumes, and services until it has the size.

    sources(destination): the existing file or folder to mount there. sandbox: the pid of the process whose ipc, uts
    and network namespaces the container joins, as a pod's containers do; None where it will not be run.
    """
    with open(TEMPLATE, encoding="utf-8") as file:
        spec = json.load(file)
    spec["process"]["args"] = ["/bin/busybox", "true"]
    spec["linux"]["cgroupsPath"] = cgroup
    spec["linux"]["resources"]["memory"].pop("swap", None)  # not every kernel counts swap
    spec["linux"] |= {"maskedPaths": MASKED, "readonlyPaths": READ_ONLY}
    for namespace in spec["linux"]["namespaces"]:
        if sandbox is not None and "path" in namespace:
            namespace["path"] = f"/proc/{sandbox}/ns/{os.path.basename(namespace['path'])}"
    spec["mounts"] += [{"destination": destination, "type": "bind",
                        "source": f"/var/lib/kubelet/pods/429282ea-7471-46c7/volumes/{source}",
                        "options": ["rbind", "rprivate", "ro"]} for destination, source in VOLUMES]
    for mount in spec["mounts"]:
        if mount["type"] == "bind":
            mount["source"] = sources(mount["destination"])
    services = 0
    while len(text_of(spec)) < size:
        spec["process"]["env"] += service_links(services)
        services += 1
    return text_of(spec)
