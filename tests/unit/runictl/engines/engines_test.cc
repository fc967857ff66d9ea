#include "runictl/engines/engines.h"

#include "runictl/engines/docker.h"
#include "runictl/engines/podman.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

using Paths = std::vector<std::string>;

const Programs kPrograms = {
    {"/sbin/runi", Program::runi}, {"/sbin/runc", Program::another}, {"/sbin/crun-runi", Program::runi}};

const ConfigFile kDropIn = {
    std::string("/etc/containerd/conf.d/runi.toml"),
    "version = 3\n[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runi]\n"
    "runtime_type = \"io.containerd.runc.v2\"\noptions.BinaryName = \"/sbin/runi\"\n"
    "pod_annotations = [\"runi.dev/*\", \"*.runi.dev/*\"]\n"};

ConfigFile crio(const std::string& text) {
  return {"/etc/crio/crio.conf", "[crio.runtime.runtimes." + text};
}

ConfigFile podman(const std::string& text) {
  return {"/etc/containers/containers.conf", "[engine]\n" + text};
}

ConfigFile docker(const std::string& text) {
  return {"/etc/docker/daemon.json", text};
}

std::string first_of(const Judgement& judgement) {
  if (judgement.findings.empty()) return {};
  return std::string(name_of(judgement.findings[0].severity)) + " " + judgement.findings[0].what;
}

std::string first_of_podman(const std::string& text) {
  const ConfigFile file = podman(text);
  return first_of(judge_podman({&file, 1}, kPrograms));
}

std::string first_of_docker(const std::string& text) {
  return first_of(judge_docker(docker(text), kPrograms));
}

TEST(Podman, all_paths_of_a_runtime_and_the_default_are_looked_at) {
  const ConfigFile file = podman("runtime = \"/d\"\nruntimes.a = [\"/1\", \"/2\"]\nruntimes.b = []\n");
  EXPECT_EQ(programs_of_podman({&file, 1}), (Paths{"/1", "/2", "/d"}));
}

TEST(Podman, the_first_path_that_exists_is_the_program) {
  const std::string json = "runtime_supports_json = [\"a\"]\n";
  EXPECT_EQ(first_of_podman(json + "runtimes.a = [\"/gone\", \"/sbin/runi\", \"/sbin/runc\"]\n"),
            "ok runtime \"a\" calls /sbin/runi");
  EXPECT_EQ(first_of_podman(json + "runtimes.a = [\"/sbin/runc\", \"/sbin/runi\"]\n"), "");
  EXPECT_EQ(first_of_podman("runtime = \"/sbin/runi\"\n"), "ok default runtime calls /sbin/runi");
  EXPECT_EQ(first_of_podman("runtimes.a = [\"/sbin/crun-runi\"]\n"),
            "problem runtime \"a\": path /sbin/crun-runi: crun takes such a name as the choice of one "
            "of its handlers");
}

TEST(Docker, the_program_is_a_path_or_an_option) {
  const std::string text =
      R"({"runtimes": {"a": {"path": "/1"}, "b": {"options": {"BinaryName": "/2"}}, "c": {}}})";
  EXPECT_EQ(programs_of_docker(docker(text)), (Paths{"/1", "/2"}));
  EXPECT_TRUE(programs_of_docker(docker("{")).empty());
  EXPECT_EQ(first_of_docker(R"({"runtimes": {"b": {"options": {"BinaryName": "/sbin/runi"}}}})"),
            "ok runtime \"b\" calls /sbin/runi");
  EXPECT_EQ(first_of_docker(R"({"runtimes": {"runi": {}}})"), "problem runtime \"runi\": names no program");
}

TEST(Docker, a_broken_file_does_not_name_runi) {
  const Judgement judgement = judge_docker(docker("{"), kPrograms);
  EXPECT_TRUE(first_of(judgement).starts_with("problem not valid JSON: ")) << first_of(judgement);
  EXPECT_FALSE(judgement.names_runi);
}

TEST(Engines, each_program_is_named_once) {
  EngineFiles files;
  files.containerds = {{{kDropIn}, std::nullopt}};
  files.containerd_left_out = {kDropIn};
  files.crio = {crio("x]\nruntime_path = \"/x\"\n")};
  files.podman = {podman("runtimes.a = [\"/x\", \"/y\"]\n")};
  files.docker = {docker(R"({"runtimes": {"a": {"path": "/z"}}})"),
                  docker(R"({"runtimes": {"a": {"path": "/y"}}})")};
  EXPECT_EQ(programs_named(files), (Paths{"/sbin/runi", "/x", "/y", "/z"}));
}

TEST(Engines, none_that_names_runi_is_a_note) {
  EngineFiles files;
  files.unread = {{"docker", "/etc/docker/daemon.json", "open: Permission denied"}};
  files.podman = {podman("[")};
  const auto findings = judge_engines(files, kPrograms, {});
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0], (Finding{Severity::note, "docker", "open: Permission denied",
                                  "/etc/docker/daemon.json", "run this as root, or correct the file"}));
  EXPECT_EQ(findings[1].what.substr(0, 15), "not valid TOML:");
  EXPECT_EQ(findings[2].subject, "engines");
  files.podman = {podman("runtimes.runi = [\"/gone\"]\n")};
  for (const Finding& finding : judge_engines(files, kPrograms, {})) EXPECT_NE(finding.subject, "engines");
}

TEST(Engines, a_drop_in_of_containerd_that_is_not_imported_is_a_problem_beside_a_main_file) {
  EngineFiles files;
  files.containerd_left_out = {kDropIn};
  auto findings = judge_engines(files, kPrograms, {});
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].severity, Severity::note);
  EXPECT_EQ(findings[1].severity, Severity::ok);
  files.containerds = {{{{std::string(kContainerdMain), "version = 3\n"}}, std::nullopt}};
  findings = judge_engines(files, kPrograms, {});
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings[0].what, "names runi, but /etc/containerd/config.toml does not import it");
  EXPECT_EQ(findings[0].action,
            "add imports = [\"/etc/containerd/conf.d/*.toml\"] to /etc/containerd/config.toml");
}

}  // namespace
}  // namespace runi
