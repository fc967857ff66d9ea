"""deploy/kubernetes, as an API server would be given it: what the installer's pod may do, and that its parts fit."""

import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

from bed import manifests
from bed.case import built, until
from bed.manifests import containers_of, of_kind, pod_of

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
NAMESPACE = "runi-system"
LABEL, VERSION = "runi.dev/installed", "runi.dev/version"
UNINSTALL = "uninstall"
PROGRAMS = {"/usr/local/sbin/runictl": "RUNICTL", "/usr/local/libexec/runi/runi-init": "RUNI_INIT"}
ENGINE_FOLDERS = {"containerd": "/etc/containerd", "containerd-1": "/etc/containerd", "crio": "/etc/crio",
                  "k3s": "/var/lib/rancher/k3s/agent/etc/containerd",
                  "rke2": "/var/lib/rancher/rke2/agent/etc/containerd"}


def project_version():
    with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
        return re.search(r"project\(runi VERSION (\S+)", file.read()).group(1)


def uses_kubectl(container):
    return container["command"][0] == "/bin/kubectl"


def patch_of(pod):
    """What the labeler asks to be merged into its node; None if there is no labeler."""
    for container in containers_of(pod):
        for argument in container.get("args", []):
            if argument.startswith("--patch="):
                return json.loads(argument.partition("=")[2])
    return None


class Rendered(unittest.TestCase):
    """Each overlay, rendered once. What fails says for which overlay and container."""

    where = "deploy/kubernetes"

    @classmethod
    def setUpClass(cls):
        cls.all = manifests.all_overlays()

    def _formatMessage(self, msg, standardMsg):
        return f"{self.where}: {super()._formatMessage(msg, standardMsg)}"

    def each(self):
        for name, objects in self.all.items():
            self.where = name
            yield name, objects

    def each_pod(self):
        for name, objects in self.each():
            yield name, pod_of(objects)

    def each_container(self):
        for name, pod in self.each_pod():
            for container in containers_of(pod):
                self.where = f"{name}, {container['name']}"
                yield name, pod, container

    def each_installing(self):
        return ((name, objects) for name, objects in self.each() if not name.startswith(UNINSTALL))


class Privileges(Rendered):
    def test_no_container_is_privileged(self):
        for _, _, container in self.each_container():
            self.assertIs(container["securityContext"].get("privileged", False), False)
            self.assertIs(container["securityContext"]["allowPrivilegeEscalation"], False)

    def test_no_container_shares_the_host_s_namespaces(self):
        for _, pod in self.each_pod():
            self.assertFalse({"hostPID", "hostNetwork", "hostIPC", "shareProcessNamespace"} & set(pod))

    def test_only_runictl_has_a_capability_and_only_to_enter_the_host_s_root(self):
        for _, _, container in self.each_container():
            capabilities = container["securityContext"]["capabilities"]
            self.assertEqual(capabilities["drop"], ["ALL"])
            is_ours = container["name"] in ("install", "uninstall", "hold")
            self.assertEqual(capabilities.get("add", []), ["SYS_CHROOT"] if is_ours else [])

    def test_every_root_is_read_only(self):
        for _, _, container in self.each_container():
            self.assertIs(container["securityContext"]["readOnlyRootFilesystem"], True)

    def test_seccomp_profiles_are_the_runtime_s(self):
        for _, pod, container in self.each_container():
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertNotIn("seccompProfile", container["securityContext"])

    def test_only_who_touches_the_host_is_root(self):
        for _, pod, container in self.each_container():
            touches = {volume["name"] for volume in pod["volumes"] if "hostPath" in volume}
            mounts = {mount["name"] for mount in container["volumeMounts"]}
            self.assertEqual(container["securityContext"].get("runAsNonRoot", False), not mounts & touches)

    def test_memory_is_limited(self):
        for _, _, container in self.each_container():
            self.assertIn("memory", container["resources"]["limits"])

    def test_the_namespace_admits_the_pods(self):
        """hostPath volumes are allowed at this level of Pod Security only."""
        for _, objects in self.each_installing():
            (namespace,) = of_kind(objects, "Namespace")
            self.assertEqual(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "privileged")


class Tokens(Rendered):
    def token_volumes(self, pod):
        return {volume["name"] for volume in pod["volumes"]
                if any("serviceAccountToken" in source for source in volume.get("projected", {}).get("sources", []))}

    def test_none_is_mounted_unasked(self):
        for _, pod in self.each_pod():
            self.assertIs(pod["automountServiceAccountToken"], False)

    def test_kubectl_alone_has_one(self):
        for _, pod, container in self.each_container():
            has = bool({mount["name"] for mount in container["volumeMounts"]} & self.token_volumes(pod))
            self.assertEqual(has, uses_kubectl(container))

    def test_who_has_one_has_nothing_of_the_host(self):
        for _, pod, container in self.each_container():
            mounts = {mount["name"] for mount in container["volumeMounts"]}
            of_host = {volume["name"] for volume in pod["volumes"] if "hostPath" in volume}
            if mounts & self.token_volumes(pod):
                self.assertFalse(mounts & of_host)

    def test_they_live_an_hour(self):
        for _, pod in self.each_pod():
            for volume in pod["volumes"]:
                for source in volume.get("projected", {}).get("sources", []):
                    if "serviceAccountToken" in source:
                        self.assertLessEqual(source["serviceAccountToken"]["expirationSeconds"], 3600)

    def test_without_the_label_there_is_none_at_all(self):
        for name in ("no-label", "nfd"):
            objects = self.all[name]
            self.assertFalse(self.token_volumes(pod_of(objects)))
            self.assertNotIn("serviceAccountName", pod_of(objects))
            for kind in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding"):
                self.assertEqual(of_kind(objects, kind), [])


class Mounts(Rendered):
    def test_each_is_of_a_volume_and_each_volume_is_mounted(self):
        for _, pod in self.each_pod():
            mounted = {mount["name"] for container in containers_of(pod) for mount in container["volumeMounts"]}
            self.assertEqual(mounted, {volume["name"] for volume in pod["volumes"]})

    def test_the_host_is_read_only_but_for_what_is_changed(self):
        for name, pod in self.each_pod():
            paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
            writable = {paths[mount["name"]] for container in containers_of(pod) for mount in container["volumeMounts"]
                        if mount["name"] in paths and not mount.get("readOnly")}
            engine = ENGINE_FOLDERS.get(name.removeprefix(f"{UNINSTALL}-"), "/etc/containerd")
            expected = {"/opt/runi", "/var/lib/runi", "/run/lock", engine}
            if name == "nfd":
                expected.add("/etc/kubernetes/node-feature-discovery/features.d")
            self.assertEqual(writable, expected)

    def test_what_is_below_the_host_s_root_is_where_it_is_on_the_host(self):
        for _, pod, container in self.each_container():
            paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
            for mount in container["volumeMounts"]:
                if mount["mountPath"].startswith("/host"):
                    self.assertEqual(mount["mountPath"].removeprefix("/host") or "/", paths[mount["name"]])

    def test_the_holder_changes_nothing(self):
        for _, pod in self.each_pod():
            (hold,) = pod["containers"]
            self.assertTrue(all(mount["readOnly"] for mount in hold["volumeMounts"]))


class Programs(Rendered):
    def command_lines(self):
        """Of this project's programs, with the name of the environment's variable for each."""
        for _, _, container in self.each_container():
            lines = [container["command"] + container.get("args", [])]
            for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
                if probe in container:
                    lines.append(container[probe]["exec"]["command"])
            yield from (line for line in lines if not uses_kubectl(container) and line[0] != "sh")

    def test_each_is_in_the_image(self):
        done = subprocess.run(["/usr/bin/python3", "-c", "import runpy, sys; sys.path.insert(0, 'hack'); "
                               "print('\\n'.join(runpy.run_path('hack/image')['PLACES'].values()))"],
                              check=True, capture_output=True, text=True, cwd=SOURCE)
        places = {f"/{place}" for place in done.stdout.split()}
        for line in self.command_lines():
            self.assertIn(line[0], places)

    def test_runictl_takes_each_command_line(self):
        runictl = built("RUNICTL")
        commands = subprocess.run([runictl, "--help"], check=True, capture_output=True, text=True).stdout
        if not re.search(r"^\s+uninstall\b", commands, re.MULTILINE):
            self.skipTest("needs runictl's command install: it has none")
        seen = set()
        with tempfile.TemporaryDirectory() as empty:
            for line in self.command_lines():
                if PROGRAMS[line[0]] != "RUNICTL" or tuple(line) in seen:
                    continue
                seen.add(tuple(line))
                words = [word.replace("=/host", f"={empty}") for word in line[1:]]
                if words[0] != "installed":
                    words.append("--dry-run")
                done = subprocess.run([runictl, *words], check=False, capture_output=True, text=True)
                self.assertNotEqual(done.returncode, 2, f"{line}: {done.stderr}")  # 2: usage
                wrong = subprocess.run([runictl, *words, "--no-such"], check=False, capture_output=True, text=True)
                self.assertEqual(wrong.returncode, 2)
        self.assertGreaterEqual(len(seen), 4)

    def test_the_holder_holds_until_it_is_told_to_stop(self):
        for _, pod in self.each_pod():
            (hold,) = pod["containers"]
            self.assertEqual(PROGRAMS[hold["command"][0]], "RUNI_INIT")
        process = subprocess.Popen([built("RUNI_INIT"), *hold["command"][1:]])
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            until(lambda: status.seek(0) == 0 and "S (sleeping)" in status.read(), "it to wait")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)

    def test_images_have_the_project_s_version(self):
        for _, _, container in self.each_container():
            if container["command"][0] in PROGRAMS:
                self.assertEqual(container["image"], f"registry.example.com/runi:{project_version()}")

    def test_kubectl_is_the_kubernetes_project_s(self):
        for _, _, container in self.each_container():
            if uses_kubectl(container):
                self.assertRegex(container["image"], r"^registry\.k8s\.io/kubectl:v1\.\d+\.\d+$")


class Order(Rendered):
    def names(self, name):
        return [container["name"] for container in pod_of(self.all[name])["initContainers"]]

    def test_the_label_comes_last(self):
        for name in ("containerd", "crio", "k3s", "rke2", "set-default"):
            self.assertEqual(self.names(name), ["install", "await-handler", "label"])
        self.assertEqual(self.names("containerd-1"), ["install", "label"])
        self.assertEqual(self.names("nfd"), ["install", "feature"])
        self.assertEqual(self.names("no-label"), ["install"])

    def test_the_label_goes_when_runi_is_gone(self):
        for name, pod in self.each_pod():
            if name.startswith(UNINSTALL):
                self.assertEqual(self.names(name), ["uninstall", "label"])
                self.assertEqual(patch_of(pod), {"metadata": {"labels": {LABEL: None}, "annotations": {VERSION: None}}})

    def test_the_end_of_a_pod_changes_nothing(self):
        for _, _, container in self.each_container():
            self.assertNotIn("lifecycle", container)

    def test_uninstalling_takes_the_place_of_installing(self):
        """The same DaemonSet: or an installer would be left that brings runi back."""
        for name, objects in self.each():
            if name.startswith(UNINSTALL):
                (one,) = of_kind(objects, "DaemonSet")
                engine = name.removeprefix("uninstall-").replace("uninstall", "containerd")
                (other,) = of_kind(self.all[engine], "DaemonSet")
                self.assertEqual(one["metadata"], other["metadata"])
                self.assertEqual(one["spec"]["selector"], other["spec"]["selector"])
                self.assertEqual(one["spec"]["updateStrategy"], other["spec"]["updateStrategy"])

    def test_uninstalling_does_not_bring_back_the_class(self):
        for name, objects in self.each():
            self.assertEqual(len(of_kind(objects, "RuntimeClass")), 0 if name.startswith(UNINSTALL) else 1)

    def test_upgrades_walk_the_cluster(self):
        for _, objects in self.each():
            (daemonset,) = of_kind(objects, "DaemonSet")
            strategy = daemonset["spec"]["updateStrategy"]
            self.assertEqual(strategy["type"], "RollingUpdate")
            self.assertRegex(strategy["rollingUpdate"]["maxUnavailable"], r"^([1-9]|10)%$")


class Fit(Rendered):
    def test_everything_is_in_the_namespace(self):
        for _, objects in self.each():
            (namespace,) = of_kind(objects, "Namespace")
            self.assertEqual(namespace["metadata"]["name"], NAMESPACE)
            for each in objects:
                if each["kind"] in ("DaemonSet", "ServiceAccount", "ResourceQuota"):
                    self.assertEqual(each["metadata"]["namespace"], NAMESPACE)

    def test_pods_are_the_daemonset_s(self):
        for _, objects in self.each():
            spec = of_kind(objects, "DaemonSet")[0]["spec"]
            labels = spec["template"]["metadata"]["labels"]
            self.assertLessEqual(spec["selector"]["matchLabels"].items(), labels.items())

    def test_the_class_selects_the_label(self):
        for name, objects in self.each_installing():
            (runtime_class,) = of_kind(objects, "RuntimeClass")
            self.assertEqual(runtime_class["handler"], "runi")
            self.assertNotIn("overhead", runtime_class)
            if name == "no-label":
                self.assertNotIn("scheduling", runtime_class)
                continue
            selector = runtime_class["scheduling"]["nodeSelector"]
            self.assertEqual(selector, {LABEL: "true"})
            if name == "nfd":
                (command,) = [container["command"] for container in pod_of(objects)["initContainers"]
                              if container["name"] == "feature"]
                self.assertIn(f"echo {LABEL}=true >", command[-1])
            else:
                self.assertEqual(patch_of(pod_of(objects)), {"metadata": {
                    "labels": selector, "annotations": {VERSION: project_version()}}})

    def test_the_labeler_s_rights_are_its_own_and_few(self):
        for name, objects in self.each():
            roles = {role["metadata"]["name"]: role["rules"] for role in of_kind(objects, "ClusterRole")}
            accounts = {account["metadata"]["name"] for account in of_kind(objects, "ServiceAccount")}
            self.assertEqual(accounts, {pod_of(objects)["serviceAccountName"]} if roles else set())
            verbs = set()
            for binding in of_kind(objects, "ClusterRoleBinding"):
                self.assertLessEqual({subject["name"] for subject in binding["subjects"]}, accounts)
                self.assertEqual({subject["namespace"] for subject in binding["subjects"]}, {NAMESPACE})
                (rule,) = roles.pop(binding["roleRef"]["name"])
                self.assertEqual((rule["apiGroups"], rule["resources"]), ([""], ["nodes"]))
                verbs |= set(rule["verbs"])
            self.assertEqual(roles, {})
            waits = any(container["name"] == "await-handler" for container in containers_of(pod_of(objects)))
            if verbs and not name.startswith(UNINSTALL):
                self.assertEqual(verbs, {"get", "patch", "list", "watch"} if waits else {"get", "patch"})

    def test_the_policy_is_for_the_labeler(self):
        for name in ("containerd", "crio", "k3s", "rke2"):
            (policy,) = of_kind(self.all[name], "ValidatingAdmissionPolicy")
            (binding,) = of_kind(self.all[name], "ValidatingAdmissionPolicyBinding")
            (account,) = of_kind(self.all[name], "ServiceAccount")
            (condition,) = policy["spec"]["matchConditions"]
            self.assertIn(f'"system:serviceaccount:{NAMESPACE}:{account["metadata"]["name"]}"', condition["expression"])
            self.assertEqual(binding["spec"]["policyName"], policy["metadata"]["name"])
            self.assertEqual(binding["spec"]["validationActions"], ["Deny"])
            self.assertEqual(policy["spec"]["failurePolicy"], "Fail")

    def test_the_default_is_set_where_it_was_asked_for(self):
        for name, pod in self.each_pod():
            said = [argument for container in containers_of(pod) for argument in container.get("args", [])]
            self.assertEqual("--set-default" in said, name == "set-default")


class Examples(unittest.TestCase):
    def test_pods_name_the_class(self):
        for path in ("example-pod.yaml", "examples/annotations.yaml", "examples/agent-sandbox.yaml"):
            (pod,) = manifests.read(path)
            self.assertEqual(pod["kind"], "Pod")
            self.assertEqual(pod["spec"]["runtimeClassName"], "runi")

    def test_a_sandbox_is_as_restricted_as_pods_can_be(self):
        """Pod Security's level "restricted"."""
        (pod,) = manifests.read("examples/agent-sandbox.yaml")
        for container in pod["spec"]["containers"]:
            context = container["securityContext"]
            self.assertIs(context["allowPrivilegeEscalation"], False)
            self.assertIs(context["runAsNonRoot"], True)
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
            self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})

    def test_a_namespace_s_pods_get_the_class(self):
        policy, binding = manifests.read("examples/namespace-default.yaml")
        self.assertEqual(binding["spec"]["policyName"], policy["metadata"]["name"])
        self.assertEqual(policy["spec"]["failurePolicy"], "Ignore")
        (mutation,) = policy["spec"]["mutations"]
        self.assertIn('runtimeClassName: "runi"', mutation["applyConfiguration"]["expression"])

    def test_workloads_get_the_class_by_kustomize(self):
        template = {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}
        objects = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": template},
                   {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "s"}, "spec": template},
                   {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "j"},
                    "spec": {"jobTemplate": {"spec": template}}},
                   {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": template["template"]["spec"]}]
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            component = os.path.relpath(os.path.join(manifests.DEPLOY, "examples/class-by-kustomize"), folder)
            files = {f"{number}.yaml": each for number, each in enumerate(objects)}
            files["kustomization.yaml"] = {"resources": list(files), "components": [component]}
            for name, content in files.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    json.dump(content, file)
            rendered = {each["kind"]: each["spec"] for each in manifests.render(folder)}
        self.assertEqual(rendered["Deployment"]["template"]["spec"]["runtimeClassName"], "runi")
        self.assertEqual(rendered["CronJob"]["jobTemplate"]["spec"]["template"]["spec"]["runtimeClassName"], "runi")
        self.assertEqual(rendered["Pod"]["runtimeClassName"], "runi")
        self.assertNotIn("runtimeClassName", rendered["DaemonSet"]["template"]["spec"])


if __name__ == "__main__":
    unittest.main()
