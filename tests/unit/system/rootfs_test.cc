#include "system/rootfs.h"

#include "folder.h"

#include <unistd.h>

namespace runi {
namespace {

namespace fs = std::filesystem;

class RootfsOf : public Folder {
 protected:
  RootfsOf() { fs::create_directories(path("bundle/rootfs/dev")); }

  [[nodiscard]] Rootfs look(const std::vector<std::string_view>& destinations = {},
                            const std::string& root = "rootfs") const {
    Spec spec;
    spec.root_path = root;
    for (const std::string_view destination : destinations) spec.mounts.push_back(mount(destination));
    return look_at_rootfs(path("bundle"), spec);
  }
  [[nodiscard]] Rootfs look_at(std::vector<Mount> mounts) const {
    Spec spec;
    spec.root_path = "rootfs";
    spec.mounts = std::move(mounts);
    return look_at_rootfs(path("bundle"), spec);
  }
  static Mount mount(std::string_view destination, Content content = Content::without_links,
                     std::string_view source = {}) {
    return {destination, false, true, content, source};
  }
  void link(const std::string& to, const std::string& name) const {
    fs::create_directories(fs::path(path("bundle/rootfs/" + name)).parent_path());
    fs::create_symlink(to, path("bundle/rootfs/" + name));
  }
};

TEST_F(RootfsOf, a_plain_image) {
  const Rootfs rootfs = look({"/proc", "/dev", "/run", "/", "/etc/hosts"});
  EXPECT_TRUE(rootfs.known);
  EXPECT_TRUE(rootfs.writable);
  EXPECT_FALSE(rootfs.root_is_aliased || rootfs.dev_is_aliased || rootfs.run_is_aliased);
  EXPECT_FALSE(rootfs.target_exists);
  EXPECT_EQ(rootfs.owner_uid, geteuid());
}

TEST_F(RootfsOf, a_target_that_is_there_already) {
  write("bundle/rootfs/.runi-init", "");
  EXPECT_TRUE(look().target_exists);
  EXPECT_TRUE(look().target_is_file);
  EXPECT_TRUE(look({}, path("bundle/rootfs")).target_is_file) << "a root may be given absolutely";
}

TEST_F(RootfsOf, what_cannot_be_looked_at) {
  EXPECT_FALSE(look({}, "missing").known);
  EXPECT_FALSE(look({}, "").known);
}

TEST_F(RootfsOf, links_in_place_of_directories) {
  link("/elsewhere", "run");
  EXPECT_TRUE(look().run_is_aliased);
  EXPECT_FALSE(look().dev_is_aliased);
}

TEST_F(RootfsOf, mounts_that_land_elsewhere_by_a_link) {
  link(".", "x");
  EXPECT_TRUE(look({"/x/dev"}).dev_is_aliased);
  EXPECT_TRUE(look({"/x"}).root_is_aliased);
  EXPECT_FALSE(look({"/x/etc"}).root_is_aliased || look({"/x/etc"}).dev_is_aliased);
  link("../../../dev", "a/b");
  EXPECT_TRUE(look({"/a/b"}).dev_is_aliased) << "a link cannot lead out of the root";
}

TEST_F(RootfsOf, mounts_that_land_by_a_link_on_what_the_runtime_has_yet_to_make) {
  fs::remove_all(path("bundle/rootfs/dev"));
  link(".", "x");
  EXPECT_TRUE(look({"/x/dev"}).dev_is_aliased);
  EXPECT_FALSE(look({"/x/dev"}).run_is_aliased);
  EXPECT_FALSE(look({"/x/etc"}).dev_is_aliased);
  link("/dev", "y");
  EXPECT_TRUE(look({"/y"}).dev_is_aliased);
  EXPECT_FALSE(look({"/y/deeper/still"}).dev_is_aliased);
}

TEST_F(RootfsOf, parts_of_a_path_count_as_they_are_walked) {
  link("a/b", "x");
  fs::create_directories(path("bundle/rootfs/a/b"));
  EXPECT_FALSE(look({"/x/../dev"}).root_is_aliased);
  EXPECT_TRUE(look({"/x/../dev"}).dev_is_aliased) << "it seems to be /dev, and is /a/dev";
  EXPECT_FALSE(look({"/x/../../dev"}).dev_is_aliased) << "it is what it seems to be";
  EXPECT_FALSE(look({"//missing/.././dev/", "../dev"}).dev_is_aliased);
  link("/", "up");
  EXPECT_TRUE(look({"/missing/../up/dev"}).dev_is_aliased);
}

TEST_F(RootfsOf, links_that_are_there_only_when_more_is_mounted) {
  link("/proc/self/root", "p");
  EXPECT_EQ(look({"/p/dev"}).doubt, "") << "without /proc there is nothing to follow";
  EXPECT_EQ(look_at({mount("/proc", Content::proc), mount("/p/dev")}).doubt,
            R"(where the mount "/p/dev" lands cannot be known: "/proc/self": )"
            "in a mount that does not exist yet");
  EXPECT_NE(look_at({mount("/proc", Content::proc), mount("/proc/1/root/dev")}).doubt, "");
  EXPECT_EQ(look_at({mount("/proc", Content::proc), mount("/proc/sys/kernel")}).doubt, "");
  EXPECT_EQ(look_at({mount("/p/dev"), mount("/proc", Content::proc)}).doubt, "") << "not mounted yet";

  fs::create_directories(path("volume/sub"));
  fs::create_symlink("/", path("volume/up"));
  const std::string volume = path("volume");
  for (const std::string_view source : {std::string_view(volume), std::string_view("../volume")}) {
    const Mount data = mount("/data", Content::of_source, source);
    EXPECT_EQ(look_at({data, mount("/data/sub/x")}).doubt, "");
    EXPECT_EQ(look_at({data, mount("/data/new")}).doubt, "");
    EXPECT_EQ(
        look_at({data, mount("/data/up/dev")}).doubt,
        R"(where the mount "/data/up/dev" lands cannot be known: "/data/up": a symbolic link in a volume)");
    EXPECT_EQ(look_at({data, mount("/data"), mount("/data/up/dev")}).doubt, "") << "the last mount counts";
  }
  EXPECT_NE(look_at({mount("/data", Content::unknown), mount("/data/sub")}).doubt, "");
  link("/", "copied/up");
  EXPECT_TRUE(look_at({mount("/copied", Content::of_covered), mount("/copied/up/dev")}).dev_is_aliased);
  EXPECT_FALSE(look_at({mount("/copied"), mount("/copied/up/dev")}).dev_is_aliased) << "an empty one";
}

TEST_F(RootfsOf, what_takes_too_long_to_follow) {
  link("loop", "loop");
  EXPECT_NE(look({"/loop"}).doubt, "");
  std::string deep;
  for (int i = 0; i < 65; ++i) deep += "/d";
  EXPECT_NE(look({deep}).doubt, "");
  EXPECT_NE(look({std::string(5000, '/')}).doubt, "");
  EXPECT_EQ(look({deep.substr(2)}).doubt, "");
  EXPECT_NE(look(std::vector<std::string_view>(10'001, "/x")).doubt, "");
}

TEST_F(RootfsOf, the_usual_link_from_var_run) {
  link("/run", "var/run");
  EXPECT_FALSE(look({"/var/run/secrets/token"}).dev_is_aliased);
  EXPECT_TRUE(look({"/var/run"}).run_is_aliased) << "which the runtime has yet to make";
  fs::create_directories(path("bundle/rootfs/run"));
  EXPECT_TRUE(look({"/var/run"}).run_is_aliased);
  EXPECT_FALSE(look({"/var/run/secrets/token"}).run_is_aliased);
}

}  // namespace
}  // namespace runi
