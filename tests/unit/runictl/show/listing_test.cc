#include "runictl/show/listing.h"

#include "core/json.h"

#include <gtest/gtest.h>

#include <algorithm>

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

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  lines.pop_back();
  return lines;
}

std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string scan_text(const Survey& survey, std::size_t width) {
  return list_scan(survey, assess_all(survey), width, false, Sandboxes::counted);
}

TEST(Shortened, keeps_the_beginning) {
  EXPECT_EQ(shortened("shop/cart/app", 13), "shop/cart/app");
  EXPECT_EQ(shortened("shop/cart/app", 8), "shop/ca…");
  EXPECT_EQ(shortened("äöüäöü", 3), "äö…");
  EXPECT_EQ(shortened("abc", 1), "…");
  EXPECT_EQ(shortened("abc", 0), "");
}

TEST(ShortenedTitle, keeps_what_names_a_pod_for_people) {
  const std::string title = "shop/cart-6d4cf56db6-x2vqj/app";
  EXPECT_EQ(shortened_title(title, 30), title);
  EXPECT_EQ(shortened_title(title, 25), "shop/cart-6d4cf56db6…/app");
  EXPECT_EQ(shortened_title(title, 15), "shop/cart-…/app");
  EXPECT_EQ(shortened_title(title, 14), "shop/cart…/app");
  // Less would leave too little of the pod's name; then the container's is what people can do without.
  EXPECT_EQ(shortened_title(title, 13), "shop/cart-6d…");
  EXPECT_EQ(shortened_title("shop/search-engine-0/app", 20), "shop/search-eng…/app");
  EXPECT_EQ(shortened_title("shop/cart-6d4cf56db6-x2vqj", 15), "shop/cart-6d4c…");
  EXPECT_EQ(shortened_title("a-container-with-a-name", 12), "a-container…");
  EXPECT_EQ(shortened_title("namespace-of-some-length/pod/a-container-with-a-name", 30),
            "namespace-of-some-length/pod/…");
}

TEST(OneLine, drops_no_byte_of_a_string) {
  EXPECT_EQ(on_one_line("{\n  \"a\": [\n    1,\n    \"x  y\\n\"\n  ]\n}\n"), "{\"a\": [1,\"x  y\\n\"]}\n");
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
}

TEST(Scan, lets_nobody_steer_the_terminal) {
  Survey survey;
  survey.containers = {container("app", "evil\x1b[2J\n")};
  const std::string text = list_scan(survey, assess_all(survey), 120, true, Sandboxes::counted);
  EXPECT_EQ(text.find("\x1b[2J"), std::string::npos);
  EXPECT_NE(text.find("evil\\x1b[2J\\x0a"), std::string::npos);
}

TEST(Scan, json_parses_whatever_the_names) {
  Survey survey;
  survey.containers = {container("a\xff\"\\", "\x1b\n\xc3")};
  const std::string text = scan_as_json(survey, assess_all(survey));
  EXPECT_TRUE(json::Document::parse(text, json::Comments::refused));
  const std::string line = on_one_line(text);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_TRUE(json::Document::parse(line, json::Comments::refused));
}

TEST(Application, is_the_first_child) {
  std::vector<Process> processes(3);
  processes[0].pid = 50;
  processes[0].parent = 10;
  processes[0].number = 40;
  processes[1].pid = 60;
  processes[1].parent = 10;
  processes[1].number = 2;
  processes[2].pid = 70;
  processes[2].parent = 60;
  processes[2].number = 1;
  Process init;
  init.pid = 10;
  EXPECT_EQ(find_application(init, processes)->pid, 60);
  init.pid = 70;
  EXPECT_FALSE(find_application(init, processes));
}

TEST(Ps, shows_the_options_as_the_init_reads_them) {
  RunningInit init;
  init.container = container(".runi-init", "web");
  init.container.arguments = {"/dev/.runi-init", "-gt", "10", "--", "app", "-s"};
  init.container.first.ignored = 1 << 16;
  const std::string text = list_inits(std::span(&init, 1), 120, false);
  EXPECT_NE(text.find("kernel  group    no       -gt 10\n"), std::string::npos) << text;
  const std::string json = inits_as_json(std::span(&init, 1));
  EXPECT_TRUE(json::Document::parse(json, json::Comments::refused));
  EXPECT_NE(json.find("\"graceSeconds\": 10"), std::string::npos);
  EXPECT_NE(json.find("\"subreaper\": false"), std::string::npos);
}

TEST(Ps, an_application_that_is_about_to_execute_is_no_init) {
  std::vector<RunningInit> inits(3);
  inits[0].container.first.pid = 10;
  inits[0].container.arguments = {"runi-init", "--", "runi-init", "--", "app"};
  inits[1].container.first.pid = 11;
  inits[1].container.first.parent = 10;
  inits[1].container.arguments = {"runi-init", "--", "app"};
  inits[2].container.first.pid = 12;
  inits[2].container.first.parent = 11;
  inits[2].container.arguments = inits[1].container.arguments;
  drop_unborn(inits);
  ASSERT_EQ(inits.size(), 2U);
  EXPECT_EQ(inits[0].container.first.pid, 10);
  EXPECT_EQ(inits[1].container.first.pid, 11);
}

TEST(Ps, lines_fit) {
  RunningInit init;
  init.container = container(".runi-init", "shop/cart-6d4cf56db6-x2vqj/application");
  init.container.arguments = {"/dev/.runi-init", "-g", "-t",  "10", "-r",
                              "TERM:QUIT",       "-e", "143", "--", "app"};
  init.container.first.rss_kib = 12;
  init.application = init.container.first;
  for (const std::size_t width : {80U, 120U}) {
    for (const std::string& line : lines_of(list_inits(std::span(&init, 1), width, false))) {
      EXPECT_LE(columns_of(line), width) << line;
    }
  }
}

TEST(Ps, of_none_says_so) {
  EXPECT_EQ(list_inits({}, 80, false), "No container under runi-init.\n");
}

}  // namespace
}  // namespace runi
