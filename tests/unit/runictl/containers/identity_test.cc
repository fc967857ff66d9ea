#include "runictl/containers/identity.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

using namespace std::string_view_literals;

constexpr const char* kId = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100";

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

TEST(CgroupPath, of_a_container_in_a_container_has_no_engine_of_the_outer_one) {
  const std::string inner(64, 'a');
  const Identity identity = read_cgroup("/system.slice/docker-" + std::string(kId) +
                                        ".scope/kubelet/kubepods/burstable/pod9/" + inner);
  EXPECT_EQ(identity.engine, "");
  EXPECT_EQ(identity.id, inner);
  EXPECT_EQ(identity.pod_uid, "9");
}

TEST(CgroupPath, of_no_container) {
  const std::string id = kId;
  for (const std::string& path :
       {"/libpod-conmon-" + id + ".scope", std::string("/docker/buildkit"), std::string("/machine-.scope"),
        std::string("/machine.slice/machine-deb"), "/x/" + id.substr(0, 32), std::string("/lxc.payload."),
        std::string("/a.slice:crio:conmon")}) {
    EXPECT_EQ(read_cgroup(path).id, "") << path;
    EXPECT_EQ(read_cgroup(path).engine, "") << path;
  }
}

TEST(CgroupPath, of_a_container_by_name_has_the_name) {
  EXPECT_EQ(read_cgroup("/lxc.payload.web").name, "web");
  EXPECT_EQ(read_cgroup("/machine.slice/systemd-nspawn@deb.service").name, "deb");
  EXPECT_EQ(read_cgroup("/docker/" + std::string(kId)).name, "");
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

TEST(Bundle, names_come_from_each_engines_annotations) {
  const struct {
    const char* annotations;
    const char* title;
    const char* pod_uid;
  } cases[] = {
      {R"("io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "cart",
          "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": "1b2c")",
       "shop/cart/app", "1b2c"},
      {R"("io.kubernetes.cri-o.Name": "k8s_app", "io.kubernetes.cri-o.KubeName": "cart",
          "io.kubernetes.cri-o.Namespace": "shop")",
       "shop/cart/k8s_app", ""},
      {R"("nerdctl/name": "web")", "web", ""},
      {R"("io.kubernetes.container.name": "second", "io.kubernetes.cri.container-name": "first")", "first",
       ""},
  };
  for (const auto& one : cases) {
    Identity identity;
    EXPECT_TRUE(read_bundle(std::string(R"({"annotations": {)") + one.annotations + "}}", identity));
    EXPECT_EQ(title_of(identity), one.title);
    EXPECT_EQ(identity.pod_uid, one.pod_uid);
  }
  Identity known;
  known.name = "by-conmon";
  EXPECT_TRUE(read_bundle(R"({"annotations": {"nerdctl/name": "web"}})", known));
  EXPECT_EQ(known.name, "by-conmon") << "what is known stays";
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

}  // namespace
}  // namespace runi
