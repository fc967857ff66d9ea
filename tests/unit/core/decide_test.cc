#include "core/decide.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <tuple>

namespace runi {
namespace {

constexpr std::string_view kPlain =
    R"({"process":{"args":["app"]},"root":{"path":"rootfs"},"linux":{"namespaces":[{"type":"pid"}]},)"
    R"("mounts":[{"destination":"/dev","type":"tmpfs"}]})";

Rootfs ordinary_rootfs() {
  Rootfs rootfs;
  rootfs.known = true;
  rootfs.writable = true;
  return rootfs;
}

// One container to decide on; each test changes what it is about.
struct Case {
  CommandLine command{Verb::create, ".", std::nullopt, "id", "", false, LogFormat::text};
  Config config;
  Rootfs rootfs = ordinary_rootfs();
  std::string json{kPlain};

  Case() { config.runtime = "/usr/bin/runc"; }

  [[nodiscard]] Decision decision() const {
    const auto spec = parse_spec(json);
    EXPECT_TRUE(spec) << json;
    Decision decision = decide(command, config, *spec, rootfs);
    EXPECT_EQ(decision.injection.target.empty(), decision.reason != Reason::inject);
    return decision;
  }
  [[nodiscard]] std::string reason() const { return std::string(name_of(decision().reason)); }
  [[nodiscard]] std::string target() const {
    const Decision made = decision();
    return std::string(made.reason == Reason::inject ? made.injection.target : name_of(made.reason));
  }
};

Case with_args(std::string_view args) {
  Case c;
  c.json.replace(c.json.find(R"(["app"])"), 7, args);
  return c;
}

Case with_members(std::string_view members) {
  Case c;
  c.json.insert(1, std::string(members) + ",");
  return c;
}

Case with_mounts(std::string_view mounts) {
  Case c;
  const auto at = c.json.find(R"("mounts":)") + 9;
  c.json = c.json.substr(0, at) + std::string(mounts) + "}";
  return c;
}

Case with_linux(std::string_view linux_value) {
  Case c;
  const auto at = c.json.find(R"({"namespaces)");
  c.json.replace(at, c.json.find(R"(,"mounts)") - at, linux_value);
  return c;
}

TEST(Decide, a_plain_container_gets_the_init) {
  const Decision decision = Case().decision();
  ASSERT_EQ(decision.reason, Reason::inject);
  EXPECT_EQ(decision.injection.target, "/dev/.runi-init");
  EXPECT_EQ(decision.injection.arguments,
            (std::vector<std::string>{"/dev/.runi-init", "-S", "TERM,INT,QUIT", "--"}));
}

TEST(Decide, not_a_start) {
  Case c;
  c.command.verb = Verb::other;
  EXPECT_EQ(c.reason(), "not-a-start");
  for (const Verb verb : {Verb::create, Verb::run, Verb::restore}) {
    c.command.verb = verb;
    EXPECT_EQ(c.reason(), "inject");
  }
}

TEST(Decide, disabled) {
  Case never;
  never.config.inject = Inject::never;
  EXPECT_EQ(never.reason(), "disabled");

  Case refused = with_members(R"("annotations":{"runi.dev/init":"false"})");
  EXPECT_EQ(refused.reason(), "disabled");

  Case annotated;
  annotated.config.inject = Inject::annotated;
  EXPECT_EQ(annotated.reason(), "disabled");
  Case wished = with_members(R"("annotations":{"runi.dev/init":"true"})");
  wished.config.inject = Inject::annotated;
  EXPECT_EQ(wished.reason(), "inject");
}

TEST(Decide, no_process) {
  EXPECT_EQ(with_args("[]").reason(), "no-process");
  EXPECT_EQ(with_args("null").reason(), "no-process");
  EXPECT_EQ(with_args(R"(["", "x"])").reason(), "no-process");
}

TEST(Decide, sandbox) {
  EXPECT_EQ(with_members(R"("annotations":{"io.kubernetes.cri.container-type":"sandbox"})").reason(),
            "sandbox");
  EXPECT_EQ(with_members(R"("annotations":{"io.kubernetes.cri.container-type":"container"})").reason(),
            "inject");
  EXPECT_EQ(with_members(R"("annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox"})").reason(),
            "sandbox");
  EXPECT_EQ(with_args(R"(["/pause"])").reason(), "sandbox");
  EXPECT_EQ(with_args(R"(["/catatonit","-P"])").reason(), "sandbox");
}

TEST(Decide, shared_pid) {
  const Case joined = with_linux(R"({"namespaces":[{"type":"pid","path":"/proc/1/ns/pid"}]})");
  EXPECT_EQ(joined.reason(), "shared-pid");
  EXPECT_EQ(with_linux(R"({"namespaces":[{"type":"mount"}]})").reason(), "shared-pid");
  EXPECT_EQ(with_linux("{}").reason(), "shared-pid");
}

TEST(Decide, a_shared_pid_namespace_can_have_a_subreaper) {
  Case joined = with_linux(R"({"namespaces":[{"type":"pid","path":"/proc/1/ns/pid"}]})");
  joined.config.shared_pid = SharedPid::subreaper;
  const Decision decision = joined.decision();
  ASSERT_EQ(decision.reason, Reason::inject);
  EXPECT_EQ(decision.injection.arguments, (std::vector<std::string>{"/dev/.runi-init", "-s", "--"}));

  Case own;
  own.config.shared_pid = SharedPid::subreaper;
  EXPECT_EQ(own.decision().injection.arguments,
            (std::vector<std::string>{"/dev/.runi-init", "-S", "TERM,INT,QUIT", "--"}));
}

TEST(Decide, has_init) {
  for (const char* args :
       {R"(["/sbin/docker-init","--","x"])", R"(["/run/podman-init","--","x"])", R"(["/dev/init","--","x"])",
        R"(["tini","--","x"])", R"(["/usr/bin/tini-static","x"])", R"(["/usr/bin/dumb-init","x"])",
        R"(["catatonit","x"])", R"(["/dev/.runi-init","--","x"])",
        R"(["/usr/libexec/runi/runi-init","x"])"}) {
    EXPECT_EQ(with_args(args).reason(), "has-init") << args;
  }
  EXPECT_EQ(with_args(R"(["/usr/bin/tinier"])").reason(), "inject");
  EXPECT_EQ(with_members(R"("annotations":{"io.podman.annotations.init":"TRUE"})").reason(), "has-init");
  EXPECT_EQ(with_members(R"("annotations":{"io.podman.annotations.init":"FALSE"})").reason(), "inject");
}

TEST(Decide, wants_pid1) {
  for (const char* args :
       {R"(["/sbin/init"])", R"(["/usr/sbin/init"])", R"(["/usr/local/sbin/init"])", R"(["/init"])",
        R"(["/lib/systemd/systemd"])", R"(["systemd"])", R"(["/sbin/runit-init"])",
        R"(["/sbin/openrc-init"])", R"(["s6-svscan","/etc"])"}) {
    EXPECT_EQ(with_args(args).reason(), "wants-pid1") << args;
  }
}

TEST(Decide, a_container_that_is_stopped_as_systemd_is_wants_pid1) {
  EXPECT_EQ(with_members(R"("annotations":{"org.opencontainers.image.stopSignal":"37"})").reason(),
            "wants-pid1");
  EXPECT_EQ(with_members(R"("annotations":{"org.opencontainers.image.stopSignal":"SIGRTMIN+3"})").reason(),
            "wants-pid1");
  EXPECT_EQ(with_members(R"("annotations":{"org.opencontainers.image.stopSignal":"15"})").reason(), "inject");
}

TEST(Decide, skip_commands_match_a_path_or_a_base_name) {
  Case by_path = with_args(R"(["/opt/launcher"])");
  by_path.config.skip_commands = {"/opt/launcher"};
  EXPECT_EQ(by_path.reason(), "wants-pid1");
  Case elsewhere = with_args(R"(["/usr/launcher"])");
  elsewhere.config.skip_commands = {"/opt/launcher"};
  EXPECT_EQ(elsewhere.reason(), "inject");
  elsewhere.config.skip_commands = {"launcher"};
  EXPECT_EQ(elsewhere.reason(), "wants-pid1");
}

TEST(Decide, wants_pid1_behind_another_program) {
  for (const char* args : {R"(["/usr/local/bin/entrypoint","/lib/systemd/systemd"])", R"(["busybox","init"])",
                           R"(["sh","-c","exec /sbin/init"])"}) {
    EXPECT_EQ(with_args(args).reason(), "wants-pid1") << args;
  }
  EXPECT_EQ(with_args(R"(["tini","--","/sbin/init"])").reason(), "has-init");
  EXPECT_EQ(with_args(R"(["git","init"])").reason(), "inject");
  EXPECT_EQ(with_args(R"(["sh","-c","exec /sbin/init"])").decision().detail,
            R"("/sbin/init" in argument "exec /sbin/init")");
}

TEST(Decide, no_command) {
  using Result = CommandLookup::Result;
  for (const auto& [result, args, detail] : {
           std::tuple{Result::no_path, R"(["app"])", R"(command "app", and PATH is missing or empty)"},
           std::tuple{Result::absent, R"(["app"])", R"(command "app" is in no directory of PATH)"},
           std::tuple{Result::absent, R"(["./app"])", R"(command "./app" does not exist)"},
           std::tuple{Result::relative, R"(["app"])",
                      R"(command "app" may be found by an element of PATH that is not absolute)"},
           std::tuple{Result::not_executable, R"(["app"])", R"(command "app": "/x" is not executable)"},
           std::tuple{Result::not_permitted, R"(["app"])", R"(command "app": user 0 may not execute "/x")"},
       }) {
    Case c = with_args(args);
    c.rootfs.command = {result, "/x"};
    for (const Verb verb : {Verb::create, Verb::run}) {
      c.command.verb = verb;
      EXPECT_EQ(c.reason(), "no-command") << detail;
      EXPECT_EQ(c.decision().detail, detail);
      EXPECT_FALSE(failure_of(c.decision(), c.config));
    }
    // Nothing is executed then, and a checkpoint that has the init needs its mount.
    c.command.verb = Verb::restore;
    EXPECT_EQ(c.reason(), "inject") << detail;
  }
  Case init = with_args(R"(["tini"])");
  init.rootfs.command = {Result::absent, ""};
  EXPECT_EQ(init.reason(), "has-init");
}

TEST(Decide, not_a_process) {
  EXPECT_EQ(with_members(R"("annotations":{"run.oci.handler":"wasm"})").reason(), "not-a-process");
  EXPECT_EQ(with_members(R"("annotations":{"module.wasm.image/variant":"compat"})").reason(),
            "not-a-process");
  EXPECT_EQ(with_members(R"("annotations":{"krun.ram_mib":"512"})").reason(), "not-a-process");
  EXPECT_EQ(with_args(R"(["/app.wasm"])").reason(), "not-a-process");
  for (const char* runtime : {"/usr/bin/krun", "/usr/bin/crun-wasmedge"}) {
    Case c;
    c.config.runtime = runtime;
    EXPECT_EQ(c.reason(), "not-a-process") << runtime;
  }
}

Case with_seccomp(const std::string& profile) {
  return with_linux(R"({"namespaces":[{"type":"pid"}],"seccomp":)" + profile + "}");
}

TEST(Decide, a_seccomp_profile_that_does_not_suit_the_init) {
  const std::string kills = R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)"
                            R"({"names":["clone"],"action":"SCMP_ACT_KILL_PROCESS"}]})";
  const Decision decision = with_seccomp(kills).decision();
  EXPECT_EQ(decision.reason, Reason::seccomp);
  EXPECT_EQ(name_of(decision.reason), "seccomp");
  EXPECT_EQ(decision.detail, "profile answers clone with SCMP_ACT_KILL_PROCESS");
  EXPECT_EQ(with_seccomp(R"({"defaultAction":"SCMP_ACT_ALLOW"})").reason(), "inject");
  EXPECT_EQ(with_seccomp("null").reason(), "inject");
}

TEST(Decide, a_seccomp_profile_comes_after_what_makes_an_init_unwanted_and_before_its_place) {
  Case c = with_seccomp(R"({"defaultAction":"SCMP_ACT_KILL"})");
  EXPECT_EQ(c.reason(), "seccomp");
  c.rootfs = {};
  c.json.replace(c.json.find("tmpfs"), 5, "ext4");
  EXPECT_EQ(c.reason(), "seccomp");
  c.json.replace(c.json.find(R"(["app"])"), 7, R"(["a.wasm"])");
  EXPECT_EQ(c.reason(), "not-a-process");
}

TEST(Decide, a_seccomp_profile_that_runtimes_read_differently) {
  EXPECT_EQ(
      with_seccomp(R"({"defaultAction":"SCMP_ACT_ALLOW","DEFAULTACTION":"SCMP_ACT_KILL"})").decision().detail,
      "/linux/seccomp/defaultAction: also written in another case; runtimes disagree on which one they use");
  Case c = with_seccomp(R"({"defaultAction":1})");
  EXPECT_EQ(c.reason(), "seccomp");
  c.json.insert(1, R"("annotations":{"runi.dev/init":"false"},)");
  EXPECT_EQ(c.reason(), "disabled");
}

TEST(Decide, a_subreaper_s_calls_are_judged_where_it_is_one) {
  const std::string profile =
      R"("seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["prctl"],)"
      R"("action":"SCMP_ACT_KILL","args":[{"index":0,"value":36,"op":"SCMP_CMP_EQ"}]}]}})";
  EXPECT_EQ(with_linux(R"({"namespaces":[{"type":"pid"}],)" + profile).reason(), "inject");
  Case shared = with_linux("{" + profile);
  shared.config.shared_pid = SharedPid::subreaper;
  EXPECT_EQ(shared.reason(), "seccomp");
}

TEST(Decide, a_filter_of_its_own_hides_from_runi_what_crun_allows) {
  Case c = with_members(R"("annotations":{"run.oci.seccomp_bpf_data":"BgAAAAAA/38="})");
  EXPECT_EQ(c.reason(), "inject");
  c.config.runtime = "/usr/bin/crun";
  EXPECT_EQ(c.reason(), "seccomp");
}

TEST(Decide, earlier_reasons_come_first) {
  Case c = with_args("[]");
  c.config.inject = Inject::never;
  EXPECT_EQ(c.reason(), "disabled");
  c.command.verb = Verb::other;
  EXPECT_EQ(c.reason(), "not-a-start");
  EXPECT_EQ(
      with_members(R"("annotations":{"run.oci.handler":"x","io.podman.annotations.init":"TRUE"})").reason(),
      "has-init");
}

TEST(Decide, target_on_a_tmpfs_dev) {
  EXPECT_EQ(with_mounts(R"([{"destination":"/dev/","type":"tmpfs"}])").target(), "/dev/.runi-init");
  EXPECT_EQ(with_mounts(R"([{"destination":"//x/../dev/./","type":"tmpfs"}])").target(), "/dev/.runi-init");
  EXPECT_EQ(
      with_mounts(R"([{"destination":"/dev","type":"tmpfs"},{"destination":"/dev/shm","type":"tmpfs"}])")
          .target(),
      "/dev/.runi-init");
}

TEST(Decide, no_target_where_the_runtime_masks_it) {
  const auto target = [](const char* masked) {
    Case c = with_mounts(R"([{"destination":"/dev","type":"tmpfs"},{"destination":"/run","type":"tmpfs"}])");
    const auto at = c.json.find(R"("namespaces")");
    c.json.insert(at, R"("maskedPaths":)" + std::string(masked) + ",");
    return c.target();
  };
  EXPECT_EQ(target("null"), "/dev/.runi-init");
  EXPECT_EQ(target(R"(["/dev/shm","/device"])"), "/dev/.runi-init");
  EXPECT_EQ(target(R"(["/dev/"])"), "/run/.runi-init");
  EXPECT_EQ(target(R"(["/x/../dev/.runi-init"])"), "/run/.runi-init");
  EXPECT_EQ(target(R"(["/dev","/run"])"), "/.runi-init");
  EXPECT_EQ(target(R"(["/dev","/run","/.runi-init"])"), "no-place");
  EXPECT_EQ(target(R"(["/"])"), "no-place");
}

TEST(Decide, target_on_a_tmpfs_run_where_dev_is_the_hosts) {
  constexpr const char* kHostDev = R"({"destination":"/dev","type":"bind","options":["rbind"]})";
  constexpr const char* kRun = R"({"destination":"/run","type":"tmpfs"})";
  EXPECT_EQ(with_mounts("[" + std::string(kHostDev) + "," + kRun + "]").target(), "/run/.runi-init");
  EXPECT_EQ(
      with_mounts(R"([{"destination":"/dev","type":"tmpfs"},)" + std::string(kHostDev) + "," + kRun + "]")
          .target(),
      "/run/.runi-init")
      << "the later mount hides the earlier one";
  EXPECT_EQ(with_mounts("[" + std::string(kHostDev) + "]").target(), "/.runi-init");
  EXPECT_EQ(with_mounts(R"([{"destination":"/dev","type":"tmpfs","options":["bind"]}])").target(),
            "/.runi-init");
}

TEST(Decide, target_on_a_tmpfs_that_not_every_user_can_search_is_never_taken) {
  EXPECT_EQ(with_mounts(R"([{"destination":"/dev","type":"tmpfs","options":["mode=755"]}])").target(),
            "/dev/.runi-init");
  EXPECT_EQ(with_mounts(R"([{"destination":"/dev","type":"tmpfs","options":["mode=0750"]}])").target(),
            "/.runi-init");
}

TEST(Decide, target_below_somebody_elses_mount_is_never_taken) {
  EXPECT_EQ(with_mounts(
                R"([{"destination":"/dev","type":"tmpfs"},{"destination":"/dev/.runi-init","type":"bind"}])")
                .target(),
            "/.runi-init");
  EXPECT_EQ(with_mounts(R"([{"destination":"/","type":"bind","options":["rbind"]}])").target(), "no-place");
  EXPECT_EQ(
      with_mounts(R"([{"destination":"/dev","type":"tmpfs"},{"destination":"/","type":"bind"}])").target(),
      "no-place")
      << "a later mount over the parent hides a tmpfs /dev";
  EXPECT_EQ(with_mounts(R"([{"destination":"/.runi-init","type":"bind"}])").target(), "no-place");
}

TEST(Decide, a_directory_that_links_of_the_image_play_with_is_not_what_it_seems) {
  Case root;
  root.rootfs.root_is_aliased = true;
  EXPECT_EQ(root.target(), "no-place");
  Case c;
  c.rootfs.dev_is_aliased = true;
  EXPECT_EQ(c.target(), "/.runi-init");
  Case run = with_mounts(R"([{"destination":"/run","type":"tmpfs"}])");
  EXPECT_EQ(run.target(), "/run/.runi-init");
  run.rootfs.run_is_aliased = true;
  EXPECT_EQ(run.target(), "/.runi-init");
}

TEST(Decide, one_process_is_the_application_s) {
  const auto reason = [](std::string_view limit) {
    return with_linux(R"({"namespaces":[{"type":"pid"}],"resources":{"pids":{"limit":)" + std::string(limit) +
                      "}}}")
        .reason();
  };
  EXPECT_EQ(reason("1"), "one-process");
  for (const std::string_view limit : {"2", "0", "-1", "10", "null"}) {
    EXPECT_EQ(reason(limit), "inject") << limit;
  }
  Case c = with_linux(R"({"namespaces":[{"type":"pid"}],"resources":{"pids":{"limit":1}}})");
  EXPECT_EQ(failure_of(c.decision(), c.config)->what,
            "one-process: linux.resources.pids.limit is 1, so there is no room for the init");
}

TEST(Decide, no_place_where_bind_mounts_fail) {
  const auto reason = [](std::string_view propagation) {
    return with_linux(R"({"namespaces":[{"type":"pid"}],"rootfsPropagation":")" + std::string(propagation) +
                      "\"}")
        .reason();
  };
  EXPECT_EQ(reason("unbindable"), "no-place");
  EXPECT_EQ(reason("runbindable"), "no-place");
  for (const std::string_view propagation : {"", "private", "rslave", "shared"}) {
    EXPECT_EQ(reason(propagation), "inject");
  }
}

TEST(Decide, no_place_is_safe_where_nobody_knows_what_lands_there) {
  Case c;
  c.rootfs.doubt = "dark";
  EXPECT_EQ(c.target(), "no-place");
  EXPECT_EQ(c.decision().detail, "dark");
  c.rootfs.known = false;
  EXPECT_EQ(c.target(), "no-place");
}

TEST(Decide, target_in_the_root_directory_only_where_it_can_be_made) {
  const auto target = [](const std::function<void(Rootfs&)>& change) {
    Case c = with_mounts("[]");
    change(c.rootfs);
    return c.target();
  };
  EXPECT_EQ(target([](Rootfs&) {}), "/.runi-init");
  EXPECT_EQ(target([](Rootfs& r) { r.known = false; }), "no-place");
  EXPECT_EQ(target([](Rootfs& r) { r.writable = false; }), "no-place");
  EXPECT_EQ(target([](Rootfs& r) { r.writable = false, r.target_exists = r.target_is_file = true; }),
            "/.runi-init");
  EXPECT_EQ(target([](Rootfs& r) { r.target_exists = true; }), "no-place");
}

TEST(Decide, target_in_the_root_directory_of_a_user_namespace_only_where_its_owner_is_mapped) {
  const auto target = [](std::string_view linux_value, std::uint64_t owner) {
    Case c = with_linux(linux_value);
    c.json.replace(c.json.find(R"([{"destination":"/dev")"), std::string::npos, "[]}");
    c.rootfs.owner_uid = c.rootfs.owner_gid = owner;
    return c.target();
  };
  constexpr std::string_view kMapped =
      R"({"namespaces":[{"type":"pid"},{"type":"user"}],"uidMappings":[{"hostID":1000,"size":10}],)"
      R"("gidMappings":[{"hostID":1000,"size":10}]})";
  EXPECT_EQ(target(kMapped, 1000), "/.runi-init");
  EXPECT_EQ(target(kMapped, 1009), "/.runi-init");
  EXPECT_EQ(target(kMapped, 1010), "no-place");
  EXPECT_EQ(target(kMapped, 0), "no-place");
  EXPECT_EQ(target(R"({"namespaces":[{"type":"pid"},{"type":"user","path":"/x"}]})", 0), "no-place");
}

TEST(Decide, forward_to_the_group) {
  Case c;
  c.config.tuning.forward = Forward::group;
  c.config.tuning.stop_signals.reset();
  EXPECT_EQ(c.decision().injection.arguments, (std::vector<std::string>{"/dev/.runi-init", "-g", "--"}));
}

}  // namespace
}  // namespace runi
