#include "runictl/containers/containers.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kTerm = 1 << 14;
constexpr const char* kId = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100";

Process process(int pid, int parent, std::size_t depth, int number, char state = 'S') {
  Process made;
  made.pid = pid;
  made.parent = parent;
  made.depth = depth;
  made.number = number;
  made.state = state;
  return made;
}

Container container(const std::string& program, std::vector<std::string> arguments = {}) {
  Container made;
  made.program = "/usr/bin/" + program;
  made.first.name = program.substr(0, 15);
  made.arguments = arguments.empty() ? std::vector<std::string>{program} : std::move(arguments);
  return made;
}

TEST(Namespaces, are_found_by_descent) {
  const std::vector<Process> processes = {
      process(1, 0, 1, 1),   process(10, 1, 1, 10), process(20, 10, 2, 1), process(21, 20, 2, 2),
      process(22, 21, 2, 3), process(30, 20, 3, 1), process(31, 30, 3, 2), process(40, 10, 2, 1),
  };
  const auto namespaces = find_namespaces(processes);
  ASSERT_EQ(namespaces.size(), 3U);
  EXPECT_EQ(namespaces[0].members, (std::vector<std::size_t>{2, 3, 4}));
  EXPECT_EQ(namespaces[1].members, (std::vector<std::size_t>{5, 6}));
  EXPECT_EQ(namespaces[2].members, (std::vector<std::size_t>{7}));
}

TEST(Namespaces, that_processes_were_brought_into_are_found_by_inode) {
  std::vector<Process> processes = {
      process(1, 0, 1, 1),  process(20, 1, 2, 1),   process(30, 1, 2, 1),
      process(40, 1, 2, 9), process(41, 40, 2, 10),
  };
  EXPECT_FALSE(enters_namespace(processes[0], processes));
  EXPECT_TRUE(enters_namespace(processes[3], processes));
  EXPECT_FALSE(enters_namespace(processes[4], processes));
  EXPECT_EQ(find_namespaces(processes)[1].members, (std::vector<std::size_t>{2}));
  processes[2].pid_namespace = processes[3].pid_namespace = 77;
  EXPECT_EQ(find_namespaces(processes)[1].members, (std::vector<std::size_t>{2, 3, 4}));
}

TEST(Namespaces, know_whose_the_zombies_are) {
  const std::vector<Process> processes = {
      process(1, 0, 1, 1),        process(20, 1, 2, 1),       process(21, 20, 2, 2, 'Z'),
      process(22, 20, 2, 3),      process(23, 22, 2, 4, 'Z'), process(24, 20, 3, 1, 'Z'),
      process(25, 1, 1, 25, 'Z'),
  };
  const auto namespaces = find_namespaces(processes);
  ASSERT_EQ(namespaces.size(), 1U) << "a dead PID 1 holds no container";
  EXPECT_EQ(namespaces[0].held, (std::vector<std::size_t>{2, 5}));
  EXPECT_EQ(namespaces[0].others, (std::vector<std::size_t>{4}));
}

TEST(Namespaces, survive_what_cannot_be) {
  // Read while ids were used again: a ring, a parent that is not there, a process that is its own.
  const std::vector<Process> processes = {
      process(5, 6, 2, 5),      process(6, 5, 2, 6),      process(7, 99, 2, 7),
      process(8, 8, 2, 8, 'Z'), process(9, 9, 2, 1, 'Z'),
  };
  EXPECT_TRUE(find_namespaces(processes).empty());
}

TEST(CgroupPath, of_each_engine) {
  const std::string id = kId;
  const struct {
    std::string path;
    const char* engine;
    std::string id;
    const char* pod_uid;
  } cases[] = {
      {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1b2c_3d.slice/cri-containerd-" + id +
           ".scope",
       "containerd", id, "1b2c-3d"},
      {"/kubepods.slice/kubepods-pod1b2c_3d.slice/crio-" + id + ".scope", "cri-o", id, "1b2c-3d"},
      {"/kubepods/burstable/pod1b2c-3d/" + id, "", id, "1b2c-3d"},
      {"/kubepods/pod1b2c-3d/" + id, "", id, "1b2c-3d"},
      {"/kubepods-besteffort-pod1b2c_3d.slice:cri-containerd:" + id, "containerd", id, "1b2c-3d"},
      {"/system.slice/docker-" + id + ".scope", "docker", id, ""},
      {"/docker/" + id, "docker", id, ""},
      {"/docker/" + id + "/own/below", "docker", id, ""},
      {"/machine.slice/libpod-" + id + ".scope/container", "podman", id, ""},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope", "podman", id, ""},
      {"/libpod_parent/libpod-" + id, "podman", id, ""},
      {"/lxc.payload.web", "lxc", "web", ""},
      {"/lxc/web", "lxc", "web", ""},
      {"/machine.slice/machine-deb.scope", "systemd-nspawn", "deb", ""},
      {"/machine.slice/systemd-nspawn@deb.service/payload", "systemd-nspawn", "deb", ""},
      {"/system.slice/cron.service", "", "", ""},
      {"/podlike/x", "", "", ""},
      {"/", "", "", ""},
  };
  for (const auto& one : cases) {
    const Identity identity = read_cgroup(one.path);
    EXPECT_EQ(identity.engine, one.engine) << one.path;
    EXPECT_EQ(identity.id, one.id) << one.path;
    EXPECT_EQ(identity.pod_uid, one.pod_uid) << one.path;
  }
}

TEST(CgroupPath, of_a_container_in_a_container_is_the_inner_ones) {
  const std::string inner(64, 'a');
  const Identity identity = read_cgroup("/docker/" + std::string(kId) +
                                        "/kubelet/kubepods/pod9/cri-containerd-" + inner + ".scope");
  EXPECT_EQ(identity.engine, "containerd");
  EXPECT_EQ(identity.id, inner);
}

TEST(Supervisor, of_containerd) {
  const Supervisor shim = read_supervisor({"/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id",
                                           kId, "-address", "/run/containerd/containerd.sock"});
  EXPECT_EQ(shim.engine, "containerd");
  EXPECT_EQ(shim.id, kId);
  EXPECT_TRUE(shim.bundle_is_cwd);
  EXPECT_EQ(read_supervisor({"containerd-shim-runc-v2", "-namespace", "moby", "-id", "x"}).engine, "docker");
}

TEST(Supervisor, conmon) {
  const Supervisor podman = read_supervisor({"/usr/bin/conmon", "--api-version", "1", "-c", kId, "-u", kId,
                                             "-b", "/b/userdata", "-n", "web", "--exit-dir", "/e"});
  EXPECT_EQ(podman.engine, "podman");
  EXPECT_EQ(podman.id, kId);
  EXPECT_EQ(podman.name, "web");
  EXPECT_EQ(podman.bundle, "/b/userdata");
  EXPECT_EQ(read_supervisor({"conmon", "-c", kId, "-n", "k8s_app_cart_shop_uid_0", "-b", "/b"}).engine,
            "cri-o");
}

TEST(Supervisor, a_runtime_in_the_foreground) {
  const Supervisor runc = read_supervisor({"runc", "--root", "/r", "run", "-bundle", "/b", "web"});
  EXPECT_EQ(runc.engine, "runc");
  EXPECT_EQ(runc.id, "web");
  EXPECT_EQ(runc.bundle, "/b");
  EXPECT_EQ(read_supervisor({"/usr/bin/runc", "list"}).engine, "");
}

TEST(Supervisor, no_other_is) {
  EXPECT_EQ(read_supervisor({}).engine, "");
  EXPECT_EQ(read_supervisor({"bash", "-c", "conmon -n x"}).engine, "");
  EXPECT_EQ(read_supervisor({"conmon", "-n"}).name, "");
}

TEST(Bundle, names_come_from_annotations) {
  Identity identity;
  EXPECT_TRUE(read_bundle(R"({"annotations": {"io.kubernetes.cri.container-name": "app",
    "io.kubernetes.cri.sandbox-name": "cart", "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": "1b2c"}})",
                          identity));
  EXPECT_EQ(title_of(identity), "shop/cart/app");
  EXPECT_EQ(identity.pod_uid, "1b2c");
  EXPECT_FALSE(identity.sandbox);
  EXPECT_FALSE(read_bundle("{", identity));
}

TEST(Bundle, dockerd_keeps_the_name_beside_the_host_name) {
  const std::string id = kId;
  const std::string start = R"({"mounts": [{"destination": "/etc/hostname", "source": ")";
  EXPECT_EQ(find_docker_folder(start + "/var/lib/docker/containers/" + id + R"(/hostname"}]})", id),
            "/var/lib/docker/containers/" + id);
  EXPECT_EQ(find_docker_folder(start + R"(/home/me/hostname"}]})", id), "");
  EXPECT_EQ(find_docker_folder(start + R"(hostname"}]})", id), "");
  EXPECT_EQ(find_docker_folder("{}", id), "");
  Identity identity;
  read_docker_state(R"({"Name": "/web"})", identity);
  EXPECT_EQ(identity.name, "web");
}

TEST(Names, that_kubernetes_puts_together_are_taken_apart) {
  Identity identity;
  identity.name = "k8s_app_cart-7d9_shop_1b2c_0";
  split_kubernetes_name(identity);
  EXPECT_EQ(title_of(identity), "shop/cart-7d9/app");
  identity = {};
  identity.name = "k8s_app";
  split_kubernetes_name(identity);
  EXPECT_EQ(title_of(identity), "k8s_app");
}

TEST(Names, from_the_environment_of_a_pod) {
  Identity identity;
  read_environment("HOSTNAME=cart\0KUBERNETES_SERVICE_HOST=10.0.0.1\0container=podman\0"sv, identity);
  EXPECT_EQ(identity.pod, "cart");
  EXPECT_EQ(identity.engine, "podman");
  Identity plain;
  read_environment("HOSTNAME=cart", plain);
  EXPECT_EQ(title_of(plain), "") << "anybody's host name is no pod";
}

TEST(Names, of_a_container_without_one) {
  Identity identity;
  identity.id = kId;
  EXPECT_EQ(title_of(identity), std::string(kId).substr(0, 12));
  identity.id = "by-hand";
  EXPECT_EQ(title_of(identity), "by-hand");
  Container inside;
  inside.outer_title = "web";
  EXPECT_EQ(title_of(inside), "in web");
}

TEST(Assess, no_handler) {
  const Assessment assessment = assess(container("node", {"node", "server.js"}));
  EXPECT_EQ(assessment.verdict, Verdict::needs_init);
  EXPECT_EQ(assessment.causes, std::vector{Cause::no_handler});
  EXPECT_EQ(assessment.text, "needs an init: no handler for SIGTERM");
}

TEST(Assess, shells) {
  EXPECT_EQ(assess(container("dash", {"sh", "-c", "x"})).causes, std::vector{Cause::shell});
  EXPECT_EQ(assess(container("bash", {"-bash"})).causes, std::vector{Cause::shell});
  Container script = container("dash", {"/bin/sh", "/tini"});
  script.first.name = "tini";
  EXPECT_EQ(assess(script).causes, std::vector{Cause::shell}) << "a script of an init's name";
  Container busybox = container("busybox", {"sh", "-c", "x"});
  busybox.first.name = "sh";
  EXPECT_EQ(assess(busybox).causes, std::vector{Cause::shell});
  busybox.arguments = {"sleep", "1"};
  busybox.first.name = "sleep";
  EXPECT_EQ(assess(busybox).causes, std::vector{Cause::no_handler});
  busybox.arguments = {"sh", "-c", "x"};
  busybox.first.name = "sh";
  busybox.first.blocked = kTerm;
  EXPECT_EQ(assess(busybox).causes, std::vector{Cause::shell}) << "it is about to start a command";
  Container trapping = container("dash", {"sh", "-c", "trap x TERM"});
  trapping.first.caught = kTerm;
  EXPECT_EQ(assess(trapping).verdict, Verdict::fine);
}

TEST(Assess, signals) {
  Container one = container("app");
  one.first.caught = kTerm;
  EXPECT_EQ(assess(one).text, "fine: handles SIGTERM, no zombies");
  one.first.caught = 0;
  one.first.blocked = kTerm;
  EXPECT_EQ(assess(one).text, "fine: waits for SIGTERM, it seems");
  one.first.ignored = kTerm;
  EXPECT_EQ(sigterm_of(one.first), Sigterm::blocked) << "the kernel keeps what is blocked, ignored or not";
  one.first.blocked = 0;
  EXPECT_EQ(assess(one).verdict, Verdict::ignores_sigterm);
  one.first.ignored = 0;
  one.first.waits_for_signals = true;
  EXPECT_EQ(assess(one).text, "fine: waits for SIGTERM, it seems");
}

TEST(Assess, zombies) {
  Container one = container("app");
  one.first.caught = kTerm;
  one.held_zombies = 312;
  one.oldest_zombie_s = 3 * 3600;
  one.other_zombies = 1;
  const Assessment assessment = assess(one);
  EXPECT_EQ(assessment.causes, std::vector{Cause::zombies});
  EXPECT_EQ(assessment.text, "needs an init: 312 zombies, oldest 3h; 1 zombie of another process");
}

std::string started_as(const std::string& user, const std::string& set, const std::string& capabilities,
                       const std::string& more = "") {
  return R"({"process": {"user": {"uid": )" + user + R"(}, "capabilities": {")" + set + R"(": [)" +
         capabilities + "]}}" + more + "}";
}

TEST(Assess, an_application_that_an_init_could_not_signal) {
  Container one = container("app");
  one.first.real_uid = one.first.uid = one.first.saved_uid = 999;
  const auto verdict = [&one](const std::string& config) {
    one.identity = {};
    EXPECT_TRUE(read_bundle(config, one.identity));
    return assess(one).verdict;
  };
  EXPECT_EQ(verdict(started_as("0", "bounding", R"("CAP_SETGID")")), Verdict::no_help);
  EXPECT_EQ(assess(one).causes, std::vector{Cause::no_handler});
  EXPECT_EQ(verdict(started_as("0", "bounding", R"("CAP_SETUID")")), Verdict::needs_init);
  EXPECT_EQ(verdict(started_as("0", "bounding", R"("CAP_SETGID", "CAP_KILL")")), Verdict::needs_init);
  EXPECT_EQ(verdict(started_as("0", "effective", R"("CAP_KILL")")), Verdict::no_help);
  EXPECT_EQ(verdict(started_as("1000", "bounding", R"("CAP_KILL")")), Verdict::no_help);
  EXPECT_EQ(verdict(started_as("1000", "ambient", R"("CAP_KILL")")), Verdict::needs_init);
  EXPECT_EQ(verdict(started_as("999", "bounding", "")), Verdict::needs_init);
  EXPECT_EQ(verdict(R"({"process": {"user": {"uid": 0}}})"), Verdict::needs_init) << "not known";
  EXPECT_EQ(verdict(started_as("0", "bounding", "", R"(, "linux": {"namespaces": [{"type": "user"}]})")),
            Verdict::needs_init)
      << "ids of another namespace";
  one.first.real_uid = 1000;  // a set-user-ID program that keeps who called it
  EXPECT_EQ(verdict(started_as("1000", "bounding", "")), Verdict::needs_init);
  one.first.real_uid = 999;
  one.first.caught = kTerm;
  EXPECT_EQ(verdict(started_as("0", "bounding", "")), Verdict::fine);
}

TEST(Assess, who_may_wait_for_what_it_adopted) {
  Container one = container("pidproxy");
  one.adopted = 2;
  EXPECT_EQ(assess(one).text,
            "needs an init: no handler for SIGTERM; yet it has adopted 2 processes, and if it waits for them "
            "it must "
            "stay PID 1");
  EXPECT_EQ(assess(one).verdict, Verdict::needs_init);
  one.held_zombies = 1;
  EXPECT_EQ(assess(one).text.find("adopted"), std::string::npos);
  Container shell = container("sh");
  shell.adopted = 2;
  EXPECT_EQ(assess(shell).text.find("adopted"), std::string::npos);
}

TEST(Assess, inits) {
  for (const char* name : {"tini", "dumb-init", "catatonit", "docker-init", "podman-init", "pause"}) {
    EXPECT_EQ(assess(container(name)).text, "has one: " + std::string(name));
  }
  EXPECT_EQ(assess(container(".runi-init", {"/dev/.runi-init", "--", "app"})).text, "has one: runi-init");
  EXPECT_EQ(assess(container("systemd", {"/sbin/init"})).text, "is an init system: systemd");
  Container busybox = container("busybox", {"/init"});
  busybox.first.name = "init";
  EXPECT_EQ(assess(busybox).verdict, Verdict::init_system);
  Container deleted = container("tini (deleted)", {"x"});
  deleted.first.name = "x";
  EXPECT_EQ(assess(deleted).verdict, Verdict::has_init);
  Container called = container("docker-init");
  called.is_runi_init = true;
  EXPECT_EQ(assess(called).init, "runi-init, called docker-init");
  Container stuck = container("tini");
  stuck.held_zombies = 2;
  EXPECT_EQ(assess(stuck).text, "has one: tini, yet 2 zombies");
}

TEST(Meant, by_id_name_and_title) {
  Identity identity;
  identity.id = "c0ffee";
  identity.name = "web";
  EXPECT_EQ(is_meant(identity, "c0ffee"), Meant::yes);
  EXPECT_EQ(is_meant(identity, "c0"), Meant::perhaps);
  EXPECT_EQ(is_meant(identity, "0f"), Meant::no);
  EXPECT_EQ(is_meant(identity, "web"), Meant::yes);
  EXPECT_EQ(is_meant(identity, ""), Meant::no);
  identity.pod = "shop";
  identity.pod_namespace = "prod";
  EXPECT_EQ(is_meant(identity, "prod/shop/web"), Meant::yes);
  EXPECT_EQ(is_meant(identity, "web"), Meant::no) << "every pod may have one of that name";
}

TEST(VersionOfInit, as_its_file_says) {
  EXPECT_EQ(version_of_init("\x7f"
                            "ELF tini version 1.2.3-rc1 - git.runi-init\n"),
            "1.2.3-rc1");
  EXPECT_EQ(version_of_init("tini version 0.19.0 - git.de40ad0"), "");
  EXPECT_EQ(version_of_init(" - git.runi-init"), "");
}

TEST(Assess, sandboxes_are_left_alone) {
  Container one = container("sleep");
  EXPECT_TRUE(
      read_bundle(R"({"annotations": {"io.kubernetes.cri.container-type": "sandbox"}})", one.identity));
  EXPECT_EQ(assess(one).text, "is a pod's sandbox");
  one.processes = 3;
  EXPECT_EQ(assess(one).text, "is a pod's sandbox, and the init of 2 processes");
  // What it is comes before what it runs.
  Container pause = container("pause", {"/usr/bin/pod", "x"});
  EXPECT_EQ(assess(pause).verdict, Verdict::has_init);
  pause.identity.sandbox = true;
  EXPECT_EQ(assess(pause).verdict, Verdict::sandbox);
  // Where its annotations are not to be had, as runi(8) knows it.
  EXPECT_EQ(assess(container("pause", {"/pause"})).verdict, Verdict::sandbox);
  EXPECT_EQ(assess(container("catatonit", {"/catatonit", "-P"})).verdict, Verdict::sandbox);
}

TEST(Assess, the_runtime_itself_has_not_started_yet) {
  Container one = container("runc", {"runc", "init"});
  one.first.name = "runc:[2:INIT]";
  EXPECT_EQ(assess(one).verdict, Verdict::not_started);
  EXPECT_EQ(assess(container("crun", {"/usr/bin/crun", "create", "--bundle", "/b", "web"})).verdict,
            Verdict::not_started);
  EXPECT_EQ(assess(container("crun", {"crun", "list"})).verdict, Verdict::needs_init);
}

TEST(Assess, without_the_program_goes_by_what_all_may_see) {
  Container one = container("x", {"/bin/sh", "/docker-entrypoint.sh"});
  one.program.clear();
  one.first.name = "docker-entrypoi";
  EXPECT_EQ(assess(one).causes, std::vector{Cause::shell});
  one.first.name = "tini";
  one.arguments = {"/tini", "--", "x"};
  EXPECT_EQ(assess(one).verdict, Verdict::has_init);
}

TEST(Order, is_worst_first) {
  Container few = container("app");
  few.held_zombies = 1;
  Container many = container("app");
  many.held_zombies = 99;
  Container quiet = container("app");
  const Container tini = container("tini");
  const auto worse = [](const Container& a, const Container& b) {
    return is_worse(a, assess(a), b, assess(b));
  };
  EXPECT_TRUE(worse(many, few));
  EXPECT_FALSE(worse(few, many));
  EXPECT_TRUE(worse(few, quiet));
  EXPECT_TRUE(worse(container("sh"), quiet));
  EXPECT_TRUE(worse(quiet, tini));
  EXPECT_FALSE(worse(tini, tini));
}

TEST(Age, has_one_unit) {
  EXPECT_EQ(format_age(0), "0s");
  EXPECT_EQ(format_age(119), "119s");
  EXPECT_EQ(format_age(120), "2m");
  EXPECT_EQ(format_age(7199), "119m");
  EXPECT_EQ(format_age(7200), "2h");
  EXPECT_EQ(format_age(172800), "2d");
}

}  // namespace
}  // namespace runi
