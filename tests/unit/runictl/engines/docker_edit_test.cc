#include "runictl/engines/docker_edit.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

const HandlerWanted kWanted = {"runi", "/opt/runi", ""};
const std::string kPath(kDockerFile);

std::string added(const std::string& text) {
  const Edit edit = add_to_docker(ConfigFile{kPath, text}, kPath, kWanted);
  if (const auto* refusal = std::get_if<Refusal>(&edit)) return refusal->line();
  const auto* write = std::get_if<WriteFile>(&edit);
  return write == nullptr ? "no text" : write->text;
}

std::string refused_removal(const std::string& text) {
  const Edit edit = remove_from_docker({kPath, text}, kWanted);
  const auto* refusal = std::get_if<Refusal>(&edit);
  return refusal == nullptr ? "" : refusal->line();
}

TEST(DockerEdit, a_missing_file_is_written_and_removed) {
  const Edit edit = add_to_docker(std::nullopt, kPath, kWanted);
  const std::string text = "{\n  \"runtimes\": {\"runi\": {\"path\": \"/opt/runi\"}}\n}\n";
  EXPECT_EQ(edit, Edit(WriteFile{kPath, text, true}));
  EXPECT_EQ(remove_from_docker({kPath, text}, kWanted), Edit(RemoveFile{kPath}));
}

TEST(DockerEdit, a_runtime_is_added_in_the_style_of_its_neighbours) {
  EXPECT_EQ(added("{}"), R"({"runtimes": {"runi": {"path": "/opt/runi"}}})");
  EXPECT_EQ(added("{\n\t\"debug\": true\n}"),
            "{\n\t\"runtimes\": {\"runi\": {\"path\": \"/opt/runi\"}},\n\t\"debug\": true\n}");
  EXPECT_EQ(added(R"({"runtimes":{}})"), R"({"runtimes":{"runi":{"path":"/opt/runi"}}})");
  EXPECT_EQ(added("{\"runtimes\": {\n  \"x\": {}}}"),
            "{\"runtimes\": {\n  \"runi\": {\"path\": \"/opt/runi\"},\n  \"x\": {}}}");
}

TEST(DockerEdit, every_byte_is_as_it_was_after_a_removal) {
  for (const std::string text :
       {"{}", "{ }", "{\r\n}\r\n", " {\n} ", R"({"runtimes":{}})", R"({"runtimes": {}})",
        "{\"runtimes\": { \n }, \"a\": 1}", R"({"a":1,"runtimes":{"x":{"path":"/x"}}})",
        "{\r\n  \"a\": [1, 2.50],\r\n  \"runtimes\" : {\r\n    \"x\": {}\r\n  }\r\n}",
        "{\n\t\"debug\" :true\n}", R"({"A":"é€","b":{"runtimes":{"runi":1}}})"}) {
    const std::string after = added(text);
    EXPECT_NE(after, text);
    EXPECT_EQ(remove_from_docker({kPath, after}, kWanted), Edit(WriteFile{kPath, text, false})) << after;
    EXPECT_EQ(add_to_docker(ConfigFile{kPath, after}, kPath, kWanted), Edit(Unchanged{})) << after;
  }
}

TEST(DockerEdit, the_default_is_added_and_every_byte_is_as_it_was_after_a_removal) {
  const HandlerWanted wanted = {"runi", "/opt/runi", "", true};
  for (const std::string text :
       {"{}", "{\n\t\"debug\" :true\n}", R"({"runtimes":{}})", R"({"a":1,"runtimes":{"x":{"path":"/x"}}})"}) {
    const Edit edit = add_to_docker(ConfigFile{kPath, text}, kPath, wanted);
    const auto* write = std::get_if<WriteFile>(&edit);
    ASSERT_NE(write, nullptr) << text;
    EXPECT_NE(write->text.find(R"("default-runtime": "runi")"), std::string::npos) << write->text;
    const ConfigFile after = {kPath, write->text};
    EXPECT_EQ(add_to_docker(after, kPath, wanted), Edit(Unchanged{}));
    EXPECT_EQ(remove_from_docker(after, wanted), Edit(WriteFile{kPath, text, false})) << write->text;
  }
  const auto made = std::get<WriteFile>(add_to_docker(std::nullopt, kPath, wanted));
  EXPECT_EQ(remove_from_docker({kPath, made.text}, wanted), Edit(RemoveFile{kPath}));
  const Edit chosen = add_to_docker(ConfigFile{kPath, "{\n\"default-runtime\": \"x\"}"}, kPath, wanted);
  ASSERT_TRUE(std::holds_alternative<Refusal>(chosen));
  EXPECT_EQ(std::get<Refusal>(chosen).where, kPath + ":2");
}

TEST(DockerEdit, what_others_add_afterwards_stays) {
  std::string text = added("{\n  \"debug\": true\n}");
  text.replace(text.find("true"), 4, "false");
  EXPECT_EQ(remove_from_docker({kPath, text}, kWanted),
            Edit(WriteFile{kPath, "{\n  \"debug\": false\n}", false}));
}

TEST(DockerEdit, refuses) {
  EXPECT_TRUE(added("{\n").starts_with(kPath + ": not valid JSON: "));
  EXPECT_EQ(added("[]"), kPath + ":1: the file is not an object; write {} around its settings");
  for (const char* text : {R"({"runtimes":null})", R"({"runtimes":[]})", R"({"Runtimes":{}})",
                           R"({"runtimes":{},"runtimes":{}})"}) {
    EXPECT_TRUE(added(text).starts_with(kPath + ":1: \"runtimes\" is not one object")) << text;
  }
  EXPECT_EQ(
      added("{\"runtimes\":\n{\"runi\":{\"path\":\"/other\"}}}"),
      kPath +
          ":2: there is a runtime \"runi\" that runictl has not added; remove it, or choose another name");
}

TEST(DockerEdit, removes_only_what_was_added) {
  const std::string before = added("{\n  \"a\": 1\n}");
  std::string args = before;
  args.insert(args.find("\"/opt/runi\"") + 11, R"(, "runtimeArgs": [])");
  EXPECT_NE(refused_removal(args).find("is not as runictl has added it"), std::string::npos);
  EXPECT_NE(refused_removal(R"({"runtimes": {"x": {}, "runi": {"path": "/opt/runi"}}})"), "");
  EXPECT_NE(refused_removal(R"({"default-runtime": "runi", "runtimes": {"runi": {"path": "/opt/runi"}}})")
                .find("choose another"),
            std::string::npos);
  EXPECT_EQ(remove_from_docker({kPath, "{}"}, kWanted), Edit(Unchanged{}));
}

}  // namespace
}  // namespace runi
