#include "runictl/engines/toml.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

const ConfigFile kFirst = {"/etc/1",
                           "version = 2\n[a.b]\n  name = \"x\"\n  list = [\"p\", 3, \"q\"]\n  yes = true\n"};
const ConfigFile kSecond = {"/etc/2", "[a]\nb.name = \"y\"\n[a.c]\n"};

TEST(Toml, values_know_their_lines) {
  const TomlDocument document = parse_toml(kFirst);
  ASSERT_EQ(document.error, "");
  EXPECT_EQ(document.root.member("version")->number, 2);
  EXPECT_EQ(document.root.member("missing"), nullptr);
  const TomlValue* b = document.root.member("a")->member("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->kind, TomlValue::Kind::table);
  EXPECT_EQ(b->member("name")->text, "x");
  EXPECT_EQ(b->member("name")->line, 3U);
  EXPECT_EQ(b->member("name")->member("x"), nullptr);
  EXPECT_EQ(b->member("yes")->truth, true);
  EXPECT_FALSE(b->member("yes")->text);
  EXPECT_EQ(b->member("list")->words(), (std::vector<std::string>{"p", "q"}));
  EXPECT_TRUE(b->words().empty());
}

TEST(Toml, an_error_has_its_line_and_no_values) {
  const TomlDocument document = parse_toml({"/etc/x", "a = 1\nb = = 2\n"});
  EXPECT_NE(document.error, "");
  EXPECT_EQ(document.error_line, 2U);
  EXPECT_TRUE(document.root.children.empty());
}

TEST(Toml, an_error_about_what_is_there_twice_has_no_name) {
  const TomlDocument document = parse_toml({"/etc/x", "[\"a.b\"]\n[\"a.b\"]\n"});
  EXPECT_EQ(document.error.find('\''), std::string::npos) << document.error;
  EXPECT_NE(document.error.find("existing table"), std::string::npos) << document.error;
}

TEST(Toml, letters_outside_strings_are_an_error) {
  EXPECT_NE(parse_toml({"/etc/x", "a = \xc3\xa9\n"}).error, "");
}

TEST(Toml, only_valid_files_are_parsed) {
  const std::vector<ConfigFile> files = {kFirst, {"/etc/broken", "["}, kSecond};
  const std::vector<TomlFile> valid = parse_valid(files);
  ASSERT_EQ(valid.size(), 2U);
  EXPECT_EQ(valid[0].file->path, "/etc/1");
  EXPECT_EQ(valid[1].file->path, "/etc/2");
}

TEST(Toml, of_several_files_the_last_that_has_a_key_decides) {
  const std::vector<ConfigFile> files = {kFirst, kSecond};
  const std::vector<TomlFile> parsed = parse_valid(files);
  std::vector<Placed> roots = roots_of(parsed);
  roots.push_back({});  // a file without the table
  EXPECT_EQ(find(roots, {"a", "b", "name"}).text(), "y");
  EXPECT_EQ(find(roots, {"a", "b", "name"}).where(), "/etc/2:2");
  EXPECT_TRUE(find(roots, {"a", "b", "yes"}).truth());
  EXPECT_TRUE(find(roots, {"a", "b", "list"}).has_word("q"));
  EXPECT_FALSE(find(roots, {"a", "b", "list"}).has_word("r"));
  const Placed missing = find(roots, {"a", "x", "name"});
  EXPECT_FALSE(missing || missing.truth() || missing.has_word("") || missing.text());
  EXPECT_EQ(missing.where(), "");
  const auto names = names_in(roots, {"a"});
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names.at("b").file->path, "/etc/2");
  EXPECT_EQ(names.at("c").where(), "/etc/2:3");
}

TEST(Toml, a_scalar_is_written_in_one_way) {
  const auto written = [](const std::string& text) {
    const TomlDocument document = parse_toml({"/x", "a = " + text});
    const TomlValue* value = document.root.member("a");
    return value == nullptr ? "invalid" : value->written;
  };
  EXPECT_EQ(written("'x'"), written("\"\\u0078\""));
  EXPECT_EQ(written("0x10"), "16");
  EXPECT_NE(written("'1'"), written("1"));
  EXPECT_NE(written("1"), written("1.0"));
  EXPECT_NE(written("1"), written("true"));
  EXPECT_EQ(written("1e3"), written("1000.0"));
  EXPECT_EQ(written("nan"), "nan");
  EXPECT_EQ(written("1979-05-27 07:32:00-08:30"), "1979-05-27T07:32:00.000000000-08:30");
  EXPECT_EQ(written("07:32:00.5"), "07:32:00.500000000");
}

TEST(Toml, what_is_written_in_a_line_reads_as_the_same) {
  const std::string text = "a = [1, 2.5, 'q\"\\', {b = true, 'c d' = [[], {}]}, \"\\u0001\\u007f\\n\"]\n";
  const TomlDocument document = parse_toml({"/x", text});
  ASSERT_EQ(document.error, "");
  const std::string line = toml_line(*document.root.member("a"));
  const TomlDocument again = parse_toml({"/x", "a = " + line});
  ASSERT_EQ(again.error, "") << line;
  EXPECT_EQ(toml_line(again.root), toml_line(document.root));
}

TEST(Toml, keys_are_bare_where_they_can_be) {
  EXPECT_EQ(toml_key("a-b_9"), "a-b_9");
  EXPECT_EQ(toml_key("io.x"), "\"io.x\"");
  EXPECT_EQ(toml_key(""), "\"\"");
}

}  // namespace
}  // namespace runi
