#include "runictl/engines/marked_block.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace runi {
namespace {

Parted parted(const std::string& text, const std::string& handler = "runi") {
  auto result = part({"/f", text}, handler);
  EXPECT_TRUE(std::holds_alternative<Parted>(result)) << std::get<Refusal>(result).line();
  return std::get<Parted>(std::move(result));
}

std::string refused(const std::string& text) {
  auto result = part({"/f", text}, "runi");
  return std::holds_alternative<Refusal>(result) ? std::get<Refusal>(result).line() : "";
}

TEST(MarkedBlock, has_marks_and_a_checksum) {
  EXPECT_EQ(with_block("a = 1\n", "runi", "b = 2\n"),
            "a = 1\n# BEGIN runi runi 596da670f16e677e\nb = 2\n# END runi runi\n");
}

TEST(MarkedBlock, leaves_every_byte_of_a_file_as_it_was) {
  for (const std::string text :
       {"", "\n", "a = 1", "a = 1\n", "a = 1\r\n", "a = 1\r\nb = 2", "#", "\r\n", "\n\n\n",
        "# BEGIN runi other 1\n# END runi other\n", "x\r\ny\n", "x\ny\r\n"}) {
    const std::string added = with_block(text, "runi", "b = 2\nc = 3\n");
    EXPECT_NE(added, text);
    const Parted found = parted(added);
    EXPECT_EQ(found.rest, text);
    EXPECT_EQ(found.body, "b = 2\nc = 3\n");
  }
}

TEST(MarkedBlock, has_the_line_ends_of_the_file) {
  const std::string added = with_block("a = 1\r\n", "runi", "b = 2\n");
  EXPECT_EQ(added.find("\nb"), added.find("\r\nb") + 1);
  EXPECT_EQ(std::count(added.begin(), added.end(), '\n'), std::count(added.begin(), added.end(), '\r'));
}

TEST(MarkedBlock, is_found_by_its_whole_name) {
  const std::string both = with_block(with_block("", "runi", "a = 1\n"), "runi-x", "b = 2\n");
  EXPECT_EQ(parted(both).body, "a = 1\n");
  EXPECT_EQ(parted(both, "runi-x").body, "b = 2\n");
  EXPECT_EQ(parted(both, "run").body, std::nullopt);
  EXPECT_EQ(parted(parted(both).rest, "runi-x").rest, "");
}

TEST(MarkedBlock, may_have_text_of_others_around_it) {
  const std::string added = with_block("a = 1\n", "runi", "b = 2\n") + "[c]\n";
  EXPECT_EQ(parted(added).rest, "a = 1\n[c]\n");
}

TEST(MarkedBlock, that_was_changed_is_refused) {
  std::string text = with_block("a = 1\n", "runi", "b = 2\n");
  text.replace(text.find("b = 2"), 5, "b = 3");
  EXPECT_EQ(
      refused(text),
      "/f:2: somebody has changed this block since it was added; remove the lines of handler runi, marks "
      "included, and restart its engine");
}

TEST(MarkedBlock, without_both_its_marks_is_refused) {
  const std::string block = with_block("", "runi", "b = 2\n");
  const std::string end = "# END runi runi\n";
  EXPECT_NE(refused(block.substr(0, block.size() - end.size())), "");
  EXPECT_NE(refused(end), "");
  EXPECT_NE(refused(block + block), "");
  EXPECT_NE(refused(end + block.substr(0, block.size() - end.size())), "");
  EXPECT_NE(refused("# BEGIN runi runi\n" + end), "");
}

}  // namespace
}  // namespace runi
