#include "runictl/engines/effective.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

using Paths = std::vector<std::string>;

EffectiveChange change(const std::string& before, const std::string& after, const Paths& files = {}) {
  auto result = change_of_containerd({"/before", before}, {"/after", after}, "runi", files);
  EXPECT_TRUE(result.has_value()) << result.error().what;
  return result ? *result : EffectiveChange{};
}

const std::string kRuntimes = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.";
const std::string kPath = "plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.";

TEST(Effective, nothing_differs_where_only_the_spelling_does) {
  EXPECT_EQ(change("a.b = 1\nc = 'x'\nd = 0x10\n", "# hi\nc = \"x\"\nd = 16\n[a]\nb = 1"), EffectiveChange{});
}

TEST(Effective, what_is_in_the_handlers_table_is_ours) {
  const std::string runc = kRuntimes + "runc]\ntype = 'x'\n";
  const EffectiveChange added = change(runc, runc + kRuntimes + "runi]\ntype = 'x'\n[" + kRuntimes.substr(1) +
                                                 "runi.options]\nBinaryName = '/x'\n");
  EXPECT_EQ(added.ours, (Paths{kPath + "runi.options.BinaryName", kPath + "runi.type"}));
  EXPECT_EQ(added.others, Paths{});
}

TEST(Effective, all_else_is_named_by_its_path) {
  const EffectiveChange changed =
      change("a = 1\nb = [1, 2]\nc = 1.5\ne.f = 1979-05-27\n" + kRuntimes + "runi-x]\nt = 1\n[g]\n",
             "a = '1'\nb = [2, 1]\nc = 2.5\ne.f = 1979-05-28\n" + kRuntimes + "runi-x]\nt = 2\n");
  EXPECT_EQ(changed.others, (Paths{"a", "b", "c", "e.f", "g", kPath + "runi-x.t"}));
  EXPECT_EQ(changed.ours, Paths{});
}

TEST(Effective, a_table_that_is_lost_is_named_value_by_value) {
  EXPECT_EQ(change("[a.b]\nc = 1\nd = 2\n[a.b.e]\n", "").others, (Paths{"a.b.c", "a.b.d", "a.b.e"}));
}

TEST(Effective, an_option_that_is_not_set_may_be_left_out) {
  const std::string runc = kRuntimes + "runc]\ntype = 'x'\n";
  const std::string options = kRuntimes + "runc.options]\nBinaryName = ''\nIoUid = 0\nSystemdCgroup = ";
  EXPECT_EQ(change(runc + options + "false", runc), EffectiveChange{});
  EXPECT_EQ(change(runc + options + "true", runc).others, (Paths{kPath + "runc.options.SystemdCgroup"}));
  EXPECT_EQ(change(runc + "empty = ''", runc).others, (Paths{kPath + "runc.empty"}));
}

TEST(Effective, files_that_were_read_do_not_count_among_the_imports) {
  EXPECT_EQ(change("imports = ['/a']", "imports = ['/a', '/b']", {"/b"}), EffectiveChange{});
  EXPECT_EQ(change("imports = ['/a']", "imports = ['/b']", {"/b"}).others, (Paths{"imports"}));
}

TEST(Effective, what_is_not_toml_is_an_error) {
  auto result = change_of_containerd({"/before", ""}, {"/after", "["}, "runi", {});
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(result.error().what.starts_with("/after: not valid TOML: ")) << result.error().what;
}

TEST(Effective, another_engines_table_is_named) {
  const std::vector<std::string_view> table = {"engine", "runtimes", "runi"};
  auto result = change_of_table({"/b", ""}, {"/a", "[engine.runtimes]\nruni = ['/x']\nx = 1\n"}, table);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->ours, (Paths{"engine.runtimes.runi"}));
  EXPECT_EQ(result->others, (Paths{"engine.runtimes.x"}));
}

}  // namespace
}  // namespace runi
