#include "runictl/show/table.h"

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

TEST(Columns, are_counted_by_character) {
  EXPECT_EQ(columns_of(""), 0U);
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("äöü…"), 4U);
}

TEST(Painted, only_where_colours_are_wanted) {
  EXPECT_EQ(painted("x", Colour::green, true), "\x1b[32mx\x1b[0m");
  EXPECT_EQ(painted("x", Colour::green, false), "x");
  EXPECT_EQ(painted("x", Colour::plain, true), "x");
}

}  // namespace
}  // namespace runi
