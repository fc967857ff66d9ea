"""containerd as a kubelet uses it: pods and containers over the Container Runtime Interface."""

import importlib
import json
import os
import sys
import unittest

from bed.case import until
from bed.containerd import Containerd
from bed.engine import Engine, Finished, Started
from bed import image

HERE = os.path.dirname(os.path.abspath(__file__))


def _compile(folder):
    """The modules that grpc_tools makes of cri.proto. Skips the test where grpc is missing."""
    try:
        import grpc
        from grpc_tools import protoc
    except ImportError as missing:
        raise unittest.SkipTest(f"needs python3-grpcio and python3-grpc-tools: {missing}") from missing
    if protoc.main(["protoc", f"-I{HERE}", f"--python_out={folder}", f"--grpc_python_out={folder}", "cri.proto"]) != 0:
        raise AssertionError("cri.proto does not compile")
    sys.path.insert(0, folder)
    return grpc, importlib.import_module("cri_pb2"), importlib.import_module("cri_pb2_grpc")


class Cri(Engine):
    """One pod per container, on the node's network (so no CNI), with a PID namespace of its own for each container."""

    def __init__(self, case, containerd=None):
        """containerd: anything with the address of a daemon that has the bed's image; one is started where it is None."""
        super().__init__(case)
        grpc, self.api, stubs = _compile(case.folder("cri"))
        containerd = containerd or Containerd(case, "k8s.io")
        channel = grpc.insecure_channel(f"unix://{containerd.address}")
        case.addCleanup(channel.close)
        self.runtime = stubs.RuntimeServiceStub(channel)
        images = stubs.ImageServiceStub(channel)
        wanted = self.api.ImageStatusRequest(image=self.api.ImageSpec(image=image.NAME))
        until(lambda: images.ImageStatus(wanted, wait_for_ready=True).image.id, "the image to be known to CRI")
        self.pods = 0
        self.removed = set()
        self.logs = case.folder("logs")

    def pod(self, which, annotations=None, pid="CONTAINER"):
        """Runs a pod and returns (its id, its configuration). Removed with the test."""
        self.pods += 1
        api = self.api
        config = api.PodSandboxConfig(
            metadata=api.PodSandboxMetadata(name=f"pod{self.pods}", uid=f"uid{self.pods}", namespace="bed"),
            log_directory=self.logs, annotations=annotations or {},
            linux=api.LinuxPodSandboxConfig(
                cgroup_parent=self.case.cgroup,
                security_context=api.LinuxSandboxSecurityContext(namespace_options=self._namespaces(pid))))
        sandbox = self.runtime.RunPodSandbox(
            api.RunPodSandboxRequest(config=config, runtime_handler=which)).pod_sandbox_id
        self.case.addCleanup(self.remove_pod, sandbox)
        return sandbox, config

    def container(self, pod, args, **options):
        """Creates and starts a container in a pod that pod() made. Returns its id."""
        container = self.create(pod, args, **options)
        self.runtime.StartContainer(self.api.Container(container_id=container))
        return container

    def create(self, pod, args, privileged=False, user=None, annotations=None, pid="CONTAINER", name="c"):
        """Creates a container in a pod; the runtime hears of it only when it is started. Returns its id."""
        api = self.api
        sandbox, sandbox_config = pod
        context = api.LinuxContainerSecurityContext(privileged=privileged, namespace_options=self._namespaces(pid))
        if user is not None:
            context.run_as_user.value, context.run_as_group.value = user
        config = api.ContainerConfig(
            metadata=api.ContainerMetadata(name=name),
            image=api.ImageSpec(image=image.NAME, user_specified_image=image.NAME), command=list(args),
            annotations=annotations or {}, log_path=f"{sandbox}-{name}.log",
            linux=api.LinuxContainerConfig(security_context=context))
        return self.runtime.CreateContainer(api.CreateContainerRequest(
            pod_sandbox_id=sandbox, config=config, sandbox_config=sandbox_config)).container_id

    def status(self, container):
        return self.runtime.ContainerStatus(
            self.api.ContainerStatusRequest(container_id=container, verbose=True))

    def stop(self, container, seconds):
        """As the kubelet does: SIGTERM, and SIGKILL after so many seconds."""
        self.runtime.StopContainer(self.api.StopContainerRequest(container_id=container, timeout=seconds))

    def exec(self, container, *command):
        return self.runtime.ExecSync(self.api.ExecSyncRequest(container_id=container, cmd=command, timeout=10))

    def run(self, which, args, **options):
        started = self.start(which, args, **options)
        status = started.wait()
        return Finished(status, started.output("stdout"), started.output("stderr"))

    def start(self, which, args, **options):
        pod = self.pod(which)
        return CriStarted(self, pod[0], self.container(pod, args, **options))

    def user_option(self, uid, gid):
        return {"user": (uid, gid)}

    def _namespaces(self, pid):
        api = self.api
        return api.NamespaceOption(network=api.NODE, pid=api.NamespaceMode.Value(pid))

    def remove_pod(self, sandbox):
        """Removes a pod that pod() made, unless that was done before."""
        if sandbox in self.removed:
            return
        self.removed.add(sandbox)
        self.runtime.StopPodSandbox(self.api.PodSandbox(pod_sandbox_id=sandbox))
        self.runtime.RemovePodSandbox(self.api.PodSandbox(pod_sandbox_id=sandbox))


class CriStarted(Started):
    def __init__(self, engine, pod, container, name="c"):
        super().__init__(engine.case)
        self.engine = engine
        self.id = container
        self.log = os.path.join(engine.logs, f"{pod}-{name}.log")
        self.pid = json.loads(engine.status(container).info["info"])["pid"]

    def kill(self, signal):
        """The interface can only stop; from here the kernel treats a signal to PID 1 as it does the engine's."""
        self.case.succeed("kill", f"-{signal}", str(self.pid))

    def wait(self, seconds=10):
        exited = self.engine.api.CONTAINER_EXITED
        until(lambda: self.engine.status(self.id).status.state == exited, "the container to end", seconds)
        return self.engine.status(self.id).status.exit_code

    def output(self, stream="stdout"):
        """The log's lines put together again: "<time> <stream> <P or F> <text>", where P goes on in the next line."""
        text = b""
        with open(self.log, "rb") as file:
            for line in file:
                _, name, mark, rest = line.rstrip(b"\n").split(b" ", 3)
                if name.decode() == stream:
                    text += rest + (b"" if mark == b"P" else b"\n")
        return text
