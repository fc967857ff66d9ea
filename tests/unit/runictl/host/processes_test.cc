#include "runictl/host/processes.h"

#include "tests/unit/runictl/machine/machine_root.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace runi {
namespace {

class Processes : public MachineRoot {
 protected:
  // Words of a command line, each ended by a NUL as the kernel does.
  void start(const std::string& pid, const std::string& name, const std::vector<std::string>& arguments,
             const std::string& uids = "0\t0\t0\t0", const std::string& numbers = "7") const {
    std::string line;
    for (const std::string& word : arguments) line += word + '\0';
    write("/proc/" + pid + "/comm", name + "\n");
    write("/proc/" + pid + "/cmdline", line);
    write("/proc/" + pid + "/status",
          "Name:\tx\nState:\tS (sleeping)\nPid:\t7\nPPid:\t1\nUid:\t" + uids + "\nNSpid:\t" + numbers +
              "\nThreads:\t1\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
              "SigCgt:\t0000000000000000\n");
    link("/usr/bin/" + name, "/proc/" + pid + "/exe");
  }
};

TEST_F(Processes, are_found_by_name_with_their_arguments) {
  start("7", "containerd", {"containerd", "--config", "/x", "--log-level=debug"});
  start("8", "other", {"other"});
  const auto found = find_processes(machine(), std::array{std::string_view("containerd")});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].program, "/usr/bin/containerd");
  EXPECT_EQ(option_of(found[0], std::array{std::string_view("-c"), std::string_view("--config")}), "/x");
  EXPECT_EQ(option_of(found[0], std::array{std::string_view("--log-level")}), "debug");
  EXPECT_EQ(option_of(found[0], std::array{std::string_view("--root")}), "");
}

TEST_F(Processes, of_users_and_of_containers_do_not_count) {
  start("7", "kubelet", {"kubelet"}, "1000\t1000\t1000\t1000");
  start("8", "kubelet", {"kubelet"}, "1000\t0\t0\t0");
  start("9", "kubelet", {"kubelet"}, "0\t0\t0\t0", "9\t1");
  EXPECT_EQ(find_kubelets_socket(machine()), "");
}

TEST_F(Processes, no_kubelet_has_no_socket) {
  EXPECT_EQ(find_kubelets_socket(machine()), "");
}

TEST_F(Processes, the_kubelets_socket_is_in_its_arguments) {
  start("7", "kubelet", {"kubelet", "--container-runtime-endpoint=unix:///var/run/crio/crio.sock"});
  EXPECT_EQ(find_kubelets_socket(machine()), "/run/crio/crio.sock");
}

TEST_F(Processes, or_in_its_configuration) {
  start("7", "kubelet", {"kubelet", "--config", "/var/lib/kubelet/config.yaml"});
  write("/var/lib/kubelet/config.yaml",
        "kind: KubeletConfiguration\n# containerRuntimeEndpoint: no\ncontainerRuntimeEndpoint: "
        "\"unix:///run/x.sock\"\n");
  EXPECT_EQ(find_kubelets_socket(machine()), "/run/x.sock");
}

TEST_F(Processes, or_it_is_the_default) {
  start("7", "kubelet", {"kubelet"});
  EXPECT_EQ(find_kubelets_socket(machine()), "/run/containerd/containerd.sock");
}

TEST_F(Processes, or_that_of_the_distribution_which_has_the_kubelet_in_it) {
  start("7", "k3s-agent", {"/usr/local/bin/k3s agent"});
  EXPECT_EQ(find_kubelets_socket(machine()), "/run/k3s/containerd/containerd.sock");
}

}  // namespace
}  // namespace runi
