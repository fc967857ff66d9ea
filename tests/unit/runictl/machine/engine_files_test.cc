#include "runictl/machine/engine_files.h"

#include "tests/unit/runictl/machine/machine_root.h"

namespace runi {
namespace {

class EngineFilesTest : public MachineRoot {};

using Paths = std::vector<std::string>;

Paths paths_of(const std::vector<ConfigFile>& files) {
  Paths paths;
  for (const ConfigFile& file : files) paths.push_back(file.path);
  return paths;
}

TEST_F(EngineFilesTest, there_are_none_on_an_empty_machine) {
  const EngineFiles files = read_engine_files(machine());
  EXPECT_TRUE(files.containerds.empty() && files.containerd_left_out.empty() && files.crio.empty());
  EXPECT_TRUE(files.podman.empty() && files.docker.empty() && files.unread.empty());
}

TEST_F(EngineFilesTest, imports_of_containerd_follow_the_main_file_each_once) {
  write("/etc/containerd/config.toml", "imports = [\"b.toml\", \"conf.d/*.toml\", \"config.toml\"]\n");
  write("/etc/containerd/b.toml", "imports = [\"/etc/c.toml\", \"conf.d/2.toml\"]\n");
  write("/etc/c.toml", "");
  write("/etc/containerd/conf.d/2.toml", "");
  write("/etc/containerd/conf.d/1.toml", "");
  write("/etc/containerd/conf.d/.hidden.toml", "");
  write("/etc/containerd/conf.d/x.conf", "");
  write("/etc/k0s/containerd.toml", "version = 3\n");
  const EngineFiles files = read_engine_files(machine());
  ASSERT_EQ(files.containerds.size(), 2U);
  EXPECT_EQ(paths_of(files.containerds[0].files),
            (Paths{"/etc/containerd/config.toml", "/etc/containerd/b.toml", "/etc/containerd/conf.d/1.toml",
                   "/etc/containerd/conf.d/2.toml", "/etc/c.toml"}));
  EXPECT_FALSE(files.containerds[0].merging) << "no program of another machine is run";
  EXPECT_EQ(paths_of(files.containerds[1].files), Paths{"/etc/k0s/containerd.toml"});
  EXPECT_TRUE(files.containerd_left_out.empty());
}

TEST_F(EngineFilesTest, drop_ins_that_no_main_file_imports_are_left_out) {
  write("/etc/containerd/config.toml", "imports = [\"conf.d/1.toml\"]\n");
  write("/etc/containerd/conf.d/1.toml", "");
  write("/etc/containerd/conf.d/2.toml", "");
  EXPECT_EQ(paths_of(read_engine_files(machine()).containerd_left_out),
            Paths{"/etc/containerd/conf.d/2.toml"});
}

TEST_F(EngineFilesTest, other_engines_read_the_main_file_first) {
  write("/etc/crio/crio.conf.d/20", "");
  write("/etc/crio/crio.conf.d/10", "");
  write("/etc/crio/crio.conf", "");
  write("/etc/containers/containers.conf.d/b.conf", "");
  write("/etc/containers/containers.conf.d/b.txt", "");
  write("/etc/containers/containers.conf", "");
  write("/usr/share/containers/containers.conf.d/a.conf", "");
  write("/etc/docker/daemon.json", "{}");
  const EngineFiles files = read_engine_files(machine());
  EXPECT_EQ(paths_of(files.crio),
            (Paths{"/etc/crio/crio.conf", "/etc/crio/crio.conf.d/10", "/etc/crio/crio.conf.d/20"}));
  EXPECT_EQ(paths_of(files.podman),
            (Paths{"/usr/share/containers/containers.conf.d/a.conf", "/etc/containers/containers.conf",
                   "/etc/containers/containers.conf.d/b.conf"}));
  EXPECT_EQ(paths_of(files.docker), Paths{"/etc/docker/daemon.json"});
  EXPECT_EQ(files.docker[0].text, "{}");
}

TEST_F(EngineFilesTest, files_of_crio_are_found_by_their_paths_and_in_the_systems_directories) {
  write("/usr/bin/conmon", "", 0755);
  write("/usr/sbin/conmon", "", 0644);
  write("/opt/monitor", "", 0644);
  write("/usr/libexec/crio/crun", "", 0755);
  link("/usr/libexec/crio/crun", "/opt/crun");
  std::filesystem::create_directories(root_ + "/usr/bin/folder");
  const auto files = find_files_of_crio(machine(), {"conmon", "crun", "folder", "/opt/monitor", "/opt/crun",
                                                    "/usr/bin/folder", "/gone", "/opt/monitor/x"});
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files.at("conmon").path, "/usr/bin/conmon") << "the first one that can be executed";
  EXPECT_FALSE(files.at("/opt/monitor").is_executable);
  EXPECT_FALSE(files.at("/usr/bin/folder").is_executable);
  EXPECT_TRUE(files.at("/opt/crun").is_executable);
  EXPECT_EQ(files.at("/opt/crun").path, "/usr/libexec/crio/crun");
}

TEST_F(EngineFilesTest, a_file_that_cannot_be_read_is_noted) {
  std::filesystem::create_directories(root_ + "/etc/docker/daemon.json");
  const EngineFiles files = read_engine_files(machine());
  ASSERT_EQ(files.unread.size(), 1U);
  EXPECT_EQ(files.unread[0].engine, "docker");
  EXPECT_EQ(files.unread[0].path, "/etc/docker/daemon.json");
  EXPECT_EQ(files.unread[0].why, "not a regular file");
}

}  // namespace
}  // namespace runi
