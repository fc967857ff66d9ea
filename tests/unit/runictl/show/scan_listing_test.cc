#include "runictl/show/scan_listing.h"

#include "runictl/show/table.h"
#include "tests/unit/runictl/show/lines.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

Container container(const std::string& name, const std::string& title, std::uint64_t caught = 0) {
  Container made;
  made.first.pid = 12345;
  made.first.name = name;
  made.first.caught = caught;
  made.program = "/bin/" + name;
  made.arguments = {"/bin/" + name, "argument"};
  made.identity.engine = "containerd";
  made.identity.name = title;
  return made;
}

std::string scan_text(const Survey& survey, std::size_t width) {
  return list_scan(survey, assess_all(survey), width, false, Sandboxes::counted);
}

TEST(Scan, lines_fit) {
  Survey survey;
  survey.containers = {
      container("sh", "a-namespace-with-a-name/a-pod-with-a-very-long-name-6d4cf56db6-x2vqj/application"),
      container("tini", "web")};
  survey.containers[0].held_zombies = 312;
  survey.containers[0].oldest_zombie_s = 7200;
  for (const std::size_t width : {80U, 100U, 120U, 200U}) {
    for (const std::string& line : lines_of(scan_text(survey, width))) {
      EXPECT_LE(columns_of(line), width) << line;
    }
  }
  EXPECT_NE(scan_text(survey, 200).find("a-pod-with-a-very-long-name-6d4cf56db6-x2vqj"), std::string::npos);
  EXPECT_EQ(scan_text(survey, 10), scan_text(survey, 60)) << "there is a narrowest";
}

TEST(Scan, needy_first_and_counted) {
  Survey survey;
  survey.containers = {container("tini", "good"), container("app", "fine", 1 << 14), container("app", "bad")};
  survey.population.processes.resize(7);
  const auto lines = lines_of(scan_text(survey, 120));
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_TRUE(lines[1].starts_with("bad "));
  EXPECT_EQ(lines[5],
            "3 containers of containerd among 7 processes: 1 needs an init, 1 has one, 1 does without.");
}

TEST(Scan, shows_engines_where_they_differ) {
  Survey survey;
  survey.containers = {container("app", "one"), container("app", "two")};
  EXPECT_EQ(scan_text(survey, 120).find("ENGINE"), std::string::npos);
  survey.containers[1].identity.engine = "docker";
  const std::string text = scan_text(survey, 120);
  EXPECT_NE(text.find("ENGINE"), std::string::npos);
  EXPECT_NE(text.find("\n2 containers among 0 processes"), std::string::npos) << text;
}

TEST(Scan, counts_sandboxes_and_lists_them_where_asked) {
  Survey survey;
  survey.containers = {container("app", "shop"), container("pause", "sandbox"),
                       container("pause", "another")};
  for (std::size_t i = 1; i < 3; ++i) survey.containers[i].identity.sandbox = true;
  const std::string text = scan_text(survey, 120);
  EXPECT_EQ(text.find("another"), std::string::npos) << text;
  EXPECT_NE(
      text.find(
          "\n1 container of containerd and 2 pods' sandboxes among 0 processes: 1 needs an init, none has "
          "one, none does without.\n"),
      std::string::npos)
      << text;
  const std::string all = list_scan(survey, assess_all(survey), 120, false, Sandboxes::listed);
  EXPECT_NE(all.find("another"), std::string::npos) << all;
  EXPECT_NE(all.find("1 container of containerd and 2 pods' sandboxes"), std::string::npos) << all;
}

TEST(Scan, lists_a_sandbox_that_holds_zombies) {
  Survey survey;
  survey.containers = {container("pause", "sandbox")};
  survey.containers[0].identity.sandbox = true;
  EXPECT_EQ(scan_text(survey, 120).find("VERDICT"), std::string::npos);
  survey.containers[0].held_zombies = 3;
  EXPECT_NE(scan_text(survey, 120).find("is a pod's sandbox, yet 3 zombies"), std::string::npos);
}

TEST(Scan, keeps_the_names_of_pods_in_a_narrow_table) {
  Survey survey;
  for (const char* pod : {"shopping-cart-6d4cf56db6-x2vqj", "recommendations-7c9d8b6f54-9zl4k"}) {
    survey.containers.push_back(container("a-program-of-some-length", "app"));
    survey.containers.back().identity.pod = pod;
    survey.containers.back().identity.pod_namespace = "shop";
    survey.containers.back().held_zombies = 12;
  }
  for (const std::size_t width : {80U, 120U}) {
    const std::string text = scan_text(survey, width);
    EXPECT_NE(text.find("shop/shopping-cart"), std::string::npos) << text;
    EXPECT_NE(text.find("shop/recommendat"), std::string::npos) << text;
    EXPECT_NE(text.find(width < 100 ? "…/app " : "-x2vqj/app "), std::string::npos) << text;
  }
}

TEST(Scan, says_what_it_could_not_see) {
  Survey survey;
  survey.population.unreadable = 4;
  survey.hides_processes = true;
  const std::string text = scan_text(survey, 80);
  EXPECT_NE(text.find("No container among 0 processes"), std::string::npos);
  EXPECT_NE(text.find("4 processes could not be looked into."), std::string::npos);
  EXPECT_NE(text.find("hidepid"), std::string::npos);
  survey.containers = {container("app", "web")};
  EXPECT_EQ(scan_text(survey, 80).find("You may not see"), std::string::npos);
  survey.containers[0].program.clear();
  EXPECT_NE(scan_text(survey, 80)
                .find("\nYou may not see the program and environment of 1 container; run as root.\n"),
            std::string::npos);
}

TEST(Scan, lets_nobody_steer_the_terminal) {
  Survey survey;
  survey.containers = {container("app", "evil\x1b[2J\n")};
  const std::string text = list_scan(survey, assess_all(survey), 120, true, Sandboxes::counted);
  EXPECT_EQ(text.find("\x1b[2J"), std::string::npos);
  EXPECT_NE(text.find("evil\\x1b[2J\\x0a"), std::string::npos);
}

}  // namespace
}  // namespace runi
