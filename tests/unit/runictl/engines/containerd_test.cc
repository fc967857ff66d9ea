#include "runictl/engines/containerd.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace runi {
namespace {

using Paths = std::vector<std::string>;

const Programs kPrograms = {{"/sbin/runi", Program::runi}, {"/sbin/runc", Program::another}};

// A file of that version with a handler for runi, right in all else.
ConfigFile file_of(int version, const std::string& plugin, const std::string& program = "/sbin/runi") {
  const std::string number = std::to_string(version);
  return {"/etc/" + number,
          "version = " + number + "\n[plugins.\"" + plugin +
              "\".containerd.runtimes.runi]\nruntime_type = \"io.containerd.runc.v2\"\n"
              "pod_annotations = [\"runi.dev/*\", \"*.runi.dev/*\"]\noptions.BinaryName = \"" +
              program + "\"\n"};
}

const ConfigFile kOld = file_of(2, "io.containerd.grpc.v1.cri");
const ConfigFile kNew = file_of(3, "io.containerd.cri.v1.runtime");

bool says(const Judgement& judgement, Severity severity, const std::string& words) {
  return std::any_of(judgement.findings.begin(), judgement.findings.end(), [&](const Finding& finding) {
    return finding.severity == severity && finding.what.find(words) != std::string::npos;
  });
}

TEST(Containerd, imports_are_the_strings_in_the_list) {
  EXPECT_EQ(containerd_imports({"/x", "imports = [\"a.toml\", 1, \"/b/*.toml\"]"}),
            (Paths{"a.toml", "/b/*.toml"}));
  EXPECT_TRUE(containerd_imports({"/x", "imports = \"a.toml\""}).empty());
  EXPECT_TRUE(containerd_imports({"/x", "imports = ["}).empty());
}

TEST(Containerd, merging_follows_from_the_version) {
  const auto of = [](const std::string& version) {
    return merging_of("containerd github.com/containerd/containerd " + version + " abc");
  };
  EXPECT_EQ(of("1.6.20~ds1"), Merging::replaces);
  EXPECT_EQ(of("v1.7.27"), Merging::replaces);
  EXPECT_EQ(of("v2.0.0"), Merging::merges_first);
  EXPECT_EQ(of("v2.2.9"), Merging::merges_first);
  EXPECT_EQ(of("v2.3.0-rc.1"), Merging::migrates_first);
  EXPECT_EQ(of("v3.0"), Merging::migrates_first);
  for (const char* version : {"", "main", "v2", "v2.x"}) EXPECT_FALSE(of(version)) << version;
  EXPECT_FALSE(merging_of(""));
}

TEST(Containerd, programs_are_named_under_any_versions_names) {
  const std::vector<ConfigFile> files = {
      file_of(3, "cri", "/1"), {"/broken", "["}, file_of(2, "io.containerd.cri.v1.runtime", "/3"), kOld};
  EXPECT_EQ(programs_of_containerd(files), (Paths{"/1", "/3", "/sbin/runi"}));
}

TEST(Containerd, a_right_file_is_approved) {
  const Judgement judgement = judge_containerd({&kNew, 1}, Merging::merges_first, kPrograms);
  ASSERT_EQ(judgement.findings.size(), 1U);
  EXPECT_EQ(judgement.findings[0],
            (Finding{Severity::ok, "containerd", "handler \"runi\" calls /sbin/runi", "/etc/3:2", ""}));
  EXPECT_EQ(judgement.programs, Paths{"/sbin/runi"});
  EXPECT_TRUE(judgement.names_runi);
}

TEST(Containerd, another_program_and_a_missing_one_are_problems) {
  const ConfigFile another = file_of(3, "io.containerd.cri.v1.runtime", "/sbin/runc");
  EXPECT_TRUE(says(judge_containerd({&another, 1}, Merging::merges_first, kPrograms), Severity::problem,
                   "/sbin/runc is not runi"));
  const ConfigFile missing = file_of(3, "io.containerd.cri.v1.runtime", "/gone");
  const Judgement judgement = judge_containerd({&missing, 1}, Merging::merges_first, kPrograms);
  EXPECT_TRUE(says(judgement, Severity::problem, "/gone does not exist"));
  EXPECT_TRUE(judgement.programs.empty());
  EXPECT_TRUE(judgement.names_runi);
}

TEST(Containerd, each_version_merges_files_its_own_way) {
  const std::vector<ConfigFile> mixed = {kOld, kNew};
  EXPECT_TRUE(says(judge_containerd(mixed, Merging::replaces, kPrograms), Severity::problem,
                   "containerd 1.x does not know files of version 3"));
  EXPECT_TRUE(says(judge_containerd(mixed, Merging::merges_first, kPrograms), Severity::problem,
                   "so the CRI section of /etc/2 is dropped"));
  EXPECT_TRUE(says(judge_containerd(mixed, Merging::migrates_first, kPrograms), Severity::problem,
                   "does not start with an imported file of version 3"));
}

TEST(Containerd, where_the_version_is_unknown_a_finding_names_those_it_holds_for) {
  ConfigFile other = {"/etc/other", "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\n"};
  const std::vector<ConfigFile> files = {kOld, other};
  const Judgement judgement = judge_containerd(files, std::nullopt, kPrograms);
  EXPECT_TRUE(
      says(judgement, Severity::warning, "in containerd 1.x this file replaces all that /etc/2 says"));
  EXPECT_TRUE(says(judgement, Severity::ok,
                   "with containerd 2.0 to 2.2 and containerd 2.3 and later: handler \"runi\" calls"));
  EXPECT_EQ(count_of(judgement.findings, Severity::problem), 0U);
}

}  // namespace
}  // namespace runi
