#include "runictl/show/json.h"

#include "core/json.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

Json example() {
  Json list = Json::array();
  list.add("x");
  list.add(Json::object());
  list.add(1);
  list.add(false);
  Json json = Json::object();
  json.add("text", "a\"\n\xff\x7f\u009b\u202e\u00fc");
  json.add("number", -7);
  json.add("yes", true);
  json.add("none", nullptr);
  json.add("empty", Json::array());
  json.add("list", std::move(list));
  return json;
}

TEST(Json, prints_a_line_for_each_value) {
  const std::string text = example().lines();
  EXPECT_EQ(text,
            "{\n  \"text\": \"a\\\"\\n\\ufffd\\u007f\\u009b\\u202e\\u00fc\",\n  \"number\": -7,\n  \"yes\": "
            "true,\n  \"none\": null,\n"
            "  \"empty\": [],\n  \"list\": [\n    \"x\",\n    {},\n    1,\n    false\n  ]\n}\n");
  EXPECT_TRUE(json::Document::parse(text, json::Comments::refused));
}

TEST(Json, prints_one_line) {
  const std::string text = example().line();
  EXPECT_EQ(
      text,
      "{\"text\": \"a\\\"\\n\\ufffd\\u007f\\u009b\\u202e\\u00fc\",\"number\": -7,\"yes\": true,\"none\": "
      "null,\"empty\": [],\"list\": [\"x\",{},1,false]}\n");
  EXPECT_TRUE(json::Document::parse(text, json::Comments::refused));
}

TEST(Json, on_one_line_drops_no_byte_of_a_string) {
  Json json = Json::object();
  json.add("a  b", "x  y\n z\\n");
  EXPECT_EQ(json.line(), "{\"a  b\": \"x  y\\n z\\\\n\"}\n");
}

TEST(Json, escapes_names_too) {
  Json json = Json::object();
  json.add("\xc3\xbc\xff", std::string("\0", 1));
  EXPECT_EQ(json.line(), "{\"\\u00fc\\ufffd\": \"\\u0000\"}\n");
}

TEST(Json, takes_what_there_is) {
  Json json = Json::array();
  json.add(std::string("text"));
  json.add(std::string_view("view"));
  json.add(std::optional<std::uint64_t>(5));
  json.add(std::optional<std::uint64_t>());
  json.add(std::size_t{1} << 40);
  json.add(Json());
  json.add(Json::known("known"));
  json.add(Json::known(""));
  json.add(Json::array({"x", "\xff"}));
  json.add(Json::array(std::vector<std::string>()));
  EXPECT_EQ(json.line(), R"(["text","view",5,null,1099511627776,null,"known",null,["x","\ufffd"],[]])"
                         "\n");
}

}  // namespace
}  // namespace runi
