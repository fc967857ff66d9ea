#include "core/json.h"

#include <gtest/gtest.h>

#include <string>

namespace runi::json {
namespace {

std::string error_of(std::string_view text, Comments comments = Comments::refused) {
  const auto document = Document::parse(text, comments);
  return document ? "no error" : document.error().what;
}

// The text of every value, in order, cut out of the bytes by the places that the tree gives.
std::vector<std::string> places(std::string_view text) {
  const auto document = Document::parse(text, Comments::refused);
  if (!document) return {document.error().what};
  std::vector<std::string> out;
  const Value* value = &document->root();
  for (std::uint32_t i = 0; i < document->root().tree_size; ++i, ++value) {
    out.emplace_back(text.substr(value->begin, value->end - value->begin));
  }
  return out;
}

using Strings = std::vector<std::string>;

TEST(Json, every_kind_of_value_knows_its_place) {
  EXPECT_EQ(places(R"({"a":1})"), (Strings{R"({"a":1})", "1"}));
  EXPECT_EQ(places(R"( [ -1.5e3 , "x" , true,false ,null, {} , [ ] ] )"),
            (Strings{R"([ -1.5e3 , "x" , true,false ,null, {} , [ ] ])", "-1.5e3", R"("x")", "true", "false",
                     "null", "{}", "[ ]"}));
}

TEST(Json, a_number_ends_where_it_ends) {
  EXPECT_EQ(places("42"), (Strings{"42"}));
  EXPECT_EQ(places("42\n"), (Strings{"42"}));
  EXPECT_EQ(places("[1,2]"), (Strings{"[1,2]", "1", "2"}));
  EXPECT_EQ(places("{\"a\":1}"), (Strings{"{\"a\":1}", "1"}));
  EXPECT_EQ(places("[18446744073709551615]"), (Strings{"[18446744073709551615]", "18446744073709551615"}));
}

TEST(Json, strings_with_escapes_know_their_place_and_their_meaning) {
  const std::string text = R"({"k\u0065y":"a\"b\\"})";
  const auto document = Document::parse(text, Comments::refused);
  ASSERT_TRUE(document);
  const Value& member = *document->root().children().begin();
  EXPECT_EQ(member.key, "key");
  EXPECT_EQ(member.text, "a\"b\\");
  EXPECT_EQ(text.substr(member.begin, member.end - member.begin), R"("a\"b\\")");
}

TEST(Json, blanks_in_a_row_move_no_place) {
  for (const std::string& blanks : {std::string("  "), std::string("\n\t \r\n"), std::string(40, ' ')}) {
    const std::string text = blanks + "{" + blanks + R"("a  b")" + blanks + ":" + blanks + "[" + blanks +
                             "-12" + blanks + "," + blanks + "true" + blanks + "," + blanks + R"("\n  x")" +
                             blanks + "]" + blanks + "}" + blanks;
    const auto found = places(text);
    ASSERT_EQ(found.size(), 5U) << text;
    EXPECT_EQ(found[2], "-12");
    EXPECT_EQ(found[3], "true");
    EXPECT_EQ(found[4], R"("\n  x")");
    EXPECT_EQ(found[0], text.substr(blanks.size(), text.size() - 2 * blanks.size()));
  }
  EXPECT_EQ(places("7   "), Strings{"7"});
  EXPECT_EQ(error_of("[1  2]").substr(0, 45), "not JSON: parse error at line 1, column 5: sy");
}

// Strings of plain characters are read eight bytes at a time: each place in a string of each length is tried.
TEST(Json, what_is_special_in_a_string_is_found_at_every_place) {
  const struct {
    std::string written;
    std::string meant;
  } specials[] = {
      {"", ""},         {R"(\")", "\""},     {R"(\\)", "\\"}, {R"(\u0041)", "A"}, {"\xC3\xA9", "\xC3\xA9"},
      {"\x7F", "\x7F"}, {"[]{},:", "[]{},:"}};
  for (const auto& special : specials) {
    for (std::size_t size = 0; size < 20; ++size) {
      for (std::size_t at = 0; at <= size; ++at) {
        const std::string before(at, 'a');
        const std::string after(size - at, '~');
        const std::string string = '"' + before + special.written + after + '"';
        const std::string text = "{" + string + ":[" + string + ",1]}";
        const auto document = Document::parse(text, Comments::refused);
        ASSERT_TRUE(document) << text;
        const Value& member = *document->root().children().begin();
        EXPECT_EQ(member.key, before + special.meant + after) << text;
        EXPECT_EQ((*member.children().begin()).text, before + special.meant + after) << text;
        EXPECT_EQ(places(text), (Strings{text, "[" + string + ",1]", string, "1"})) << text;
      }
    }
  }
}

TEST(Json, a_control_character_in_a_string_is_refused_at_every_place) {
  for (std::size_t size = 0; size < 20; ++size) {
    for (std::size_t at = 0; at <= size; ++at) {
      const std::string text =
          "[\"x\",\"" + std::string(at, 'a') + "\x1F" + std::string(size - at, 'a') + "\"]";
      EXPECT_NE(error_of(text).find("column " + std::to_string(at + 7) + ":"), std::string::npos)
          << error_of(text);
    }
  }
}

TEST(Json, a_string_without_an_end_is_refused) {
  for (const char* text : {"\"", "\"a", "[\"12345678", "\"\\", "\"a\\\"", "{\"a\":\"b\\"}) {
    EXPECT_TRUE(error_of(text).starts_with("not JSON: parse error at line 1, column ")) << error_of(text);
  }
}

TEST(Json, children_skip_grandchildren) {
  const auto document = Document::parse(R"([[1,[2]],{"a":{"b":3}},4])", Comments::refused);
  ASSERT_TRUE(document);
  std::vector<Kind> kinds;
  for (const Value& child : document->root().children()) kinds.push_back(child.kind);
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::array, Kind::object, Kind::number}));
}

TEST(Json, what_is_not_json_is_refused_with_its_place) {
  EXPECT_NE(error_of("").find("not JSON: parse error at line 1, column 1"), std::string::npos);
  EXPECT_NE(error_of("{\n\"a\":}").find("line 2, column 5"), std::string::npos);
  EXPECT_NE(error_of("{} x").find("not JSON"), std::string::npos);
  EXPECT_NE(error_of("[1e999]").find("not JSON"), std::string::npos);
  EXPECT_NE(error_of("[\"\xff\"]").find("not JSON"), std::string::npos);
  EXPECT_NE(error_of("{} // x").find("not JSON"), std::string::npos);
  EXPECT_EQ(error_of("\xEF\xBB\xBF{}"), "not JSON: it starts with a byte order mark");
  EXPECT_EQ(error_of(std::string_view("{}\0{}", 5)), "not JSON: a NUL at byte 2");
  EXPECT_EQ(error_of("[1e999]"), "not JSON: number overflow parsing '1e999' at byte 6");
}

TEST(Json, an_error_quotes_no_more_of_the_text_than_people_read) {
  const std::string many(10'000, '9');
  EXPECT_EQ(error_of("[" + many + "]"),
            "not JSON: number overflow parsing '" + many.substr(0, 80) + "...' at byte 10001");
  // Half a character is none.
  const std::string error = error_of("[\"" + many.substr(0, 78) + "\xC3\xA4" + many + "\n\"]");
  EXPECT_NE(error.find("last read: '\"" + many.substr(0, 78) + "...'"), std::string::npos) << error;
}

bool same(std::string_view name, std::string_view wanted) {
  return name == wanted;
}

// What stays of a text: keys and kinds in order, "*" after an array or object that is not empty in the text.
std::string kept(std::string_view text) {
  static constexpr Wanted kPoint[] = {{"x"}, {"y", {}, true}};
  static constexpr Wanted kTop[] = {{"words", {}, true}, {"point", kPoint}, {"name"}};
  const auto document = Document::parse(text, kTop, same);
  if (!document) return document.error().what;
  std::string line;
  const Value* value = &document->root();
  for (std::uint32_t i = 0; i < document->root().tree_size; ++i, ++value) {
    line += (i == 0 ? "" : " ") + std::string(value->key) + ":" +
            std::string(name_of(value->kind).substr(name_of(value->kind).find(" ") + 1, 3)) +
            (value->empty ? "" : "*") + std::string(value->text);
  }
  return line;
}

TEST(Json, only_what_is_wanted_stays) {
  EXPECT_EQ(kept(R"({"a":1,"words":["x","y"],"b":{"words":[1]},"name":"n"})"),
            ":obj* words:arr* :strx :stry name:strn");
  EXPECT_EQ(kept(R"({"point":{"x":1,"z":[{}],"y":[2,[3],{"x":4}]}})"),
            ":obj* point:obj* x:num1 y:arr* :num2 :arr* :obj*");
  EXPECT_EQ(kept(R"({"point":[{"x":1,"z":2},{"z":3},[{"x":1}],7]})"),
            ":obj* point:arr* :obj* x:num1 :obj* :arr* :num7");
  EXPECT_EQ(kept(R"({"name":{"words":["x"]}})"), ":obj* name:obj*");
  EXPECT_EQ(kept(R"({"words":{"a":"b","c":{"d":1}}})"), ":obj* words:obj* a:strb c:obj*");
  EXPECT_EQ(kept(R"({"a":[[[1,"]"]]],"b":{"c":{"d":"}"}},"name":null})"), ":obj* name:nulnull");
  EXPECT_EQ(kept(R"([{"name":1},2])"), ":arr*");
  EXPECT_EQ(kept("{}"), ":obj");
  EXPECT_EQ(kept("7"), ":num7");
}

TEST(Json, what_is_not_wanted_is_checked_all_the_same) {
  EXPECT_NE(kept(R"({"a":[1,}]})").find("not JSON: parse error at line 1, column 9"), std::string::npos);
  EXPECT_NE(kept(R"({"a":{"b" 1}})").find("not JSON"), std::string::npos);
  EXPECT_EQ(kept("{\"a\":" + std::string(10'000, '[')), "not JSON: nested deeper than 10000 at byte 10005");
}

TEST(Json, more_than_anybody_can_want_is_refused) {
  std::string words = R"({"words":[1)";
  for (int i = 1; i < 500'000; ++i) words += ",1";
  EXPECT_EQ(kept(words + "]}"), "more than 500000 values to look at");
  std::string others = R"({"a":[1)";
  for (int i = 1; i < 500'000; ++i) others += ",1";
  EXPECT_EQ(kept(others + "]}"), ":obj*");
}

// The places are no help there: a comment before a string seems to be part of it.
TEST(Json, an_empty_string_after_a_comment_is_empty) {
  for (const std::string comment : {"/* \"two\" */", "// \"one\"\n", "/**/"}) {
    const std::string text = "{" + comment + "\"\":" + comment + "\"\"}";
    const auto document = Document::parse(text, Comments::allowed);
    ASSERT_TRUE(document) << text;
    const Value& member = *document->root().children().begin();
    EXPECT_EQ(member.key, "") << text;
    EXPECT_EQ(member.text, "") << text;
  }
}

TEST(Json, comments_where_they_are_allowed) {
  EXPECT_EQ(error_of("// one\n{ /* two */ }", Comments::allowed), "no error");
}

TEST(Json, nesting_is_bounded_and_nothing_recurses) {
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  EXPECT_EQ(error_of(deep), "no error");
  EXPECT_EQ(error_of("[" + deep + "]"), "not JSON: nested deeper than 10000 at byte 10001");
  EXPECT_EQ(error_of(std::string(5'000'000, '[')), "not JSON: nested deeper than 10000 at byte 10001");
}

TEST(Json, quote_escapes_what_must_be_escaped) {
  EXPECT_EQ(quote("a\"b\\c\n"), R"("a\"b\\c\n")");
  EXPECT_EQ(quote("\xff"), "\"\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace runi::json
