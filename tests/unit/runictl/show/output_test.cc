#include "runictl/show/output.h"

#include "core/json.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(JsonWriter, writes_what_parses) {
  JsonWriter json;
  json.begin_object();
  json.string("text", "a\"\n\xff\x7f\u009b\u202e\u00fc");
  json.number("number", -7);
  json.boolean("yes", true);
  json.key("none");
  json.null();
  json.key("empty");
  json.begin_array();
  json.end_array();
  json.key("list");
  json.begin_array();
  json.string("x");
  json.begin_object();
  json.end_object();
  json.number(1);
  json.boolean(false);
  json.end_array();
  json.end_object();
  const std::string text = json.text();
  EXPECT_EQ(text,
            "{\n  \"text\": \"a\\\"\\n\\ufffd\\u007f\\u009b\\u202e\\u00fc\",\n  \"number\": -7,\n  \"yes\": "
            "true,\n  \"none\": null,\n"
            "  \"empty\": [],\n  \"list\": [\n    \"x\",\n    {},\n    1,\n    false\n  ]\n}\n");
  EXPECT_TRUE(json::Document::parse(text, json::Comments::refused));
}

}  // namespace
}  // namespace runi
