#include "runictl/engines/drop_in.h"

#include "runictl/engines/marked_block.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

using Files = std::vector<ConfigFile>;
using Names = std::vector<std::string>;

const HandlerWanted kWanted = {"runi", "/opt/runi", ""};
const std::string kCrio = "/etc/crio/crio.conf.d/10-runi.conf";
const std::string kPodman = "/etc/containers/containers.conf.d/runi.conf";

const ConfigFile kEffective = {"crio config", R"([crio.runtime]
default_runtime = "crun"
[crio.runtime.runtimes.crun]
runtime_path = "/usr/libexec/crio/crun"
runtime_type = ""
runtime_root = "/run/crun"
inherit_default_runtime = false
runtime_config_path = "/x"
container_min_memory = "500KiB"
monitor_path = "/usr/libexec/crio/conmon"
monitor_cgroup = "system.slice"
monitor_exec_cgroup = ""
monitor_env = ["PATH=/usr/bin"]
allowed_annotations = ["io.containers.trace-syscall"]
privileged_without_host_devices = false
default_annotations = { "a/b" = "c" }
[crio.runtime.runtimes.vm]
runtime_type = "vm"
)"};

std::string block(const Edit& edit) {
  if (const auto* refusal = std::get_if<Refusal>(&edit)) return refusal->line();
  if (!std::holds_alternative<WriteFile>(edit)) return "no text";
  const auto& write = std::get<WriteFile>(edit);
  auto parted = part({write.path, write.text}, "runi");
  return std::holds_alternative<Parted>(parted) ? std::get<Parted>(parted).body.value_or("none") : "refused";
}

TEST(DropIn, crio_gets_all_that_makes_up_the_default_handler) {
  const Edit edit = add_to_crio({}, kEffective, kWanted);
  EXPECT_EQ(block(edit), R"([crio.runtime.runtimes.runi]
runtime_path = "/opt/runi"
runtime_type = "oci"
allowed_annotations = ["io.containers.trace-syscall"]
container_min_memory = "500KiB"
default_annotations = {"a/b" = "c"}
monitor_cgroup = "system.slice"
monitor_env = ["PATH=/usr/bin"]
monitor_path = "/usr/libexec/crio/conmon"
runtime_root = "/run/crun"
)");
  const auto& write = std::get<WriteFile>(edit);
  EXPECT_EQ(write.path, kCrio);
  EXPECT_TRUE(write.is_new);
  EXPECT_EQ(parse_toml({write.path, write.text}).error, "");
}

TEST(DropIn, a_second_time_there_is_nothing_to_do) {
  const auto crio = std::get<WriteFile>(add_to_crio({}, kEffective, kWanted));
  const ConfigFile effective = {"crio config", kEffective.text + "[crio.runtime.runtimes.runi]\n"};
  const Files crio_files = {{crio.path, crio.text}};
  EXPECT_EQ(add_to_crio(crio_files, effective, kWanted), Edit(Unchanged{}));
  EXPECT_EQ(remove_drop_in(crio_files, kCrio, "runi"), Edit(RemoveFile{kCrio}));
  const auto podman = std::get<WriteFile>(add_to_podman({}, kWanted, {}));
  const Files podman_files = {{podman.path, podman.text}};
  EXPECT_EQ(add_to_podman(podman_files, kWanted, {}), Edit(Unchanged{}));
  const Edit moved = add_to_podman(podman_files, {"runi", "/other", ""}, {});
  EXPECT_EQ(block(moved), "[engine.runtimes]\nruni = [\"/other\"]\n");
  EXPECT_FALSE(std::get<WriteFile>(moved).is_new);
  EXPECT_EQ(remove_drop_in(podman_files, kPodman, "runi"), Edit(RemoveFile{kPodman}));
  EXPECT_EQ(remove_drop_in({}, kPodman, "runi"), Edit(Unchanged{}));
}

TEST(DropIn, podman_gets_a_runtime_and_keeps_the_list_of_others) {
  EXPECT_EQ(block(add_to_podman({}, kWanted, {})), "[engine.runtimes]\nruni = [\"/opt/runi\"]\n");
  EXPECT_EQ(block(add_to_podman({}, kWanted, Names{"crun", "runc"})),
            "[engine]\nruntime_supports_json = [\"crun\", \"runc\", \"runi\"]\n[engine.runtimes]\nruni = "
            "[\"/opt/runi\"]\n");
  const Files files = {{"/a", "[engine]\nruntime_supports_json = ['x']\n"}};
  EXPECT_EQ(
      block(add_to_podman(files, kWanted, Names{"crun"})),
      "[engine]\nruntime_supports_json = [\"x\", \"runi\"]\n[engine.runtimes]\nruni = [\"/opt/runi\"]\n");
  EXPECT_EQ(std::get<WriteFile>(add_to_podman(files, kWanted, {})).path, kPodman);
}

TEST(DropIn, the_default) {
  const HandlerWanted wanted = {"runi", "/opt/runi", "", true};
  EXPECT_TRUE(
      block(add_to_podman({}, wanted, Names{"crun"}))
          .starts_with("[engine]\nruntime = \"runi\"\nruntime_supports_json = [\"crun\", \"runi\"]\n"));
  EXPECT_TRUE(block(add_to_crio({}, kEffective, wanted))
                  .starts_with("[crio.runtime]\ndefault_runtime = \"runi\"\n[crio.runtime.runtimes.runi]\n"));
  const std::string later = "/etc/crio/crio.conf.d/90-x.conf";
  EXPECT_TRUE(
      block(add_to_crio(Files{{later, "[crio.runtime]\ndefault_runtime = 'x'\n"}}, kEffective, wanted))
          .starts_with(later + ":2: default_runtime is set here"));
}

TEST(DropIn, crio_refuses) {
  const auto words = [](const Files& files, const HandlerWanted& wanted = kWanted) {
    return block(add_to_crio(files, kEffective, wanted));
  };
  EXPECT_TRUE(words({{"/a", "["}}).starts_with("/a:1: not valid TOML"));
  EXPECT_TRUE(
      words({{"/a", "\n[crio.runtime.runtimes.runi]\n"}}).starts_with("/a:2: there is a handler \"runi\""));
  EXPECT_TRUE(words({{kCrio, "[crio.runtime.runtimes.runi]\n"}}).starts_with(kCrio + ": somebody else"));
  EXPECT_TRUE(words({}, {"crun", "/x", "crun"}).starts_with("crio config: there is no handler"));
  EXPECT_TRUE(words({}, {"vm", "/x", ""}).starts_with("crio config: CRI-O has a handler \"vm\" of its own"));
  EXPECT_TRUE(
      words({}, {"runi", "/x", "vm"}).starts_with("crio config: the handler \"vm\" is of runtime_type"));
  EXPECT_TRUE(words({}, {"runi", "/x", "none"}).starts_with("crio config: there is no handler \"none\""));
  EXPECT_TRUE(
      block(add_to_crio({}, {"crio config", "["}, kWanted)).starts_with("crio config:1: not valid TOML"));
}

TEST(DropIn, what_somebody_has_changed_is_not_removed) {
  auto write = std::get<WriteFile>(add_to_podman({}, kWanted, {}));
  for (const std::string& text : {write.text + "x = 1\n", std::string("x = 1\n"), write.text.substr(0, 30)}) {
    EXPECT_TRUE(std::holds_alternative<Refusal>(remove_drop_in(Files{{kPodman, text}}, kPodman, "runi")))
        << text;
  }
  write.text.replace(write.text.find("/opt"), 4, "/usr");
  EXPECT_TRUE(std::holds_alternative<Refusal>(remove_drop_in(Files{{kPodman, write.text}}, kPodman, "runi")));
}

}  // namespace
}  // namespace runi
