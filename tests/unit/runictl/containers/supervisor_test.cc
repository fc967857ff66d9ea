#include "runictl/containers/supervisor.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

constexpr const char* kId = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100";

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

TEST(Runtime, is_read_whatever_it_is_called) {
  const Supervisor runtime = read_runtime({"/opt/my-runtime", "create", "--bundle", "/b", "web"});
  EXPECT_EQ(runtime.engine, "my-runtime");
  EXPECT_EQ(runtime.id, "web");
  EXPECT_EQ(read_runtime({"runc", "init"}).id, "");
  EXPECT_EQ(read_runtime({}).id, "");
  EXPECT_TRUE(is_runtime("crun"));
  EXPECT_FALSE(is_runtime("conmon"));
  EXPECT_TRUE(may_supervise("conmon"));
  EXPECT_TRUE(may_supervise("runc"));
  EXPECT_FALSE(may_supervise("bash"));
}

}  // namespace
}  // namespace runi
