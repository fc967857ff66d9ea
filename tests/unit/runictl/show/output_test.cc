#include "runictl/show/output.h"

#include "core/json.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(Printable, keeps_text_and_shows_what_steers_terminals) {
  EXPECT_EQ(printable("plain, Grüße, 日本, 🦊"), "plain, Grüße, 日本, 🦊");
  EXPECT_EQ(printable("\x1b[31m\n\t\x7f"), R"(\x1b[31m\x0a\x09\x7f)");
  EXPECT_EQ(printable("\xc2\x9b"), R"(\xc2\x9b)");
  EXPECT_EQ(printable(std::string_view("\0", 1)), R"(\x00)");
}

TEST(Printable, shows_what_cannot_be_seen_or_turns_the_text_around) {
  for (const char* character :
       {"\u00ad",     "\u034f",     "\u061c",     "\u115f",    "\u17b4", "\u180e", "\u200b",
        "\u200f",     "\u2028",     "\u2029",     "\u202a",    "\u202e", "\u2060", "\u2066",
        "\u2069",     "\u206f",     "\u3164",     "\ufe0f",    "\ufeff", "\uffa0", "\ufff9",
        "\U0001bca0", "\U0001d173", "\U000e0001", "\U000e0fff"}) {
    const std::string shown = printable(std::string("a") + character + "b");
    EXPECT_EQ(shown.size(), 2 + 4 * std::string_view(character).size()) << shown;
  }
  EXPECT_EQ(printable("\u202e"), R"(\xe2\x80\xae)");
  const char* beside = "\u00ac\u00ae\u200a\u2010\u2027\u202f\u205f\u2070\ufefe\U000e1000";
  EXPECT_EQ(printable(beside), beside);
}

TEST(Printable, shows_bytes_that_are_no_characters) {
  for (const char* bytes :
       {"\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\xa6"}) {
    const std::string shown = printable(bytes);
    EXPECT_EQ(shown.size(), 4 * std::string_view(bytes).size()) << shown;
    EXPECT_EQ(shown.find_first_not_of("\\x0123456789abcdef"), std::string::npos) << shown;
  }
}

TEST(Table, has_columns_as_wide_as_their_widest_cell) {
  EXPECT_EQ(format_table({{{"NAME"}, {"N"}}, {{"ü"}, {"1"}}, {{"longer"}, {"a\x1b"}}}, false),
            "NAME    N\nü       1\nlonger  a\\x1b\n");
  EXPECT_EQ(format_table({}, false), "");
}

TEST(Table, is_as_wide_with_colours) {
  EXPECT_EQ(format_table({{{"a", Colour::red}, {"b"}}, {{"ccc"}, {"d", Colour::bold}}}, true),
            "\x1b[31ma\x1b[0m    b\nccc  \x1b[1md\x1b[0m\n");
}

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
