#include "runictl/host/proto.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace runi::proto {
namespace {

using namespace std::string_view_literals;

TEST(Writer, spells_numbers_and_texts_as_the_format_says) {
  // The examples of the format's documentation.
  EXPECT_EQ(Writer().number(1, 150).bytes(), "\x08\x96\x01");
  EXPECT_EQ(Writer().text(2, "testing").bytes(), "\x12\x07testing");
  EXPECT_EQ(Writer().message(3, Writer().number(1, 150)).bytes(), "\x1a\x03\x08\x96\x01");
  EXPECT_EQ(Writer().number(16, 1).bytes(), "\x80\x01\x01");
  EXPECT_EQ(Writer().number(1, ~0ULL).bytes(), "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(Writer, leaves_out_what_is_the_default_but_no_message) {
  EXPECT_EQ(Writer().number(1, 0).text(2, "").bytes(), "");
  EXPECT_EQ(Writer().message(1, Writer()).bytes(), "\x0a\x00"sv);
}

TEST(Message, has_what_was_written) {
  Writer written;
  written.number(1, ~0ULL)
      .text(2, "one")
      .text(2, "two")
      .message(3, Writer().text(1, "inner"))
      .entry(4, "key", "value");
  const auto message = Message::parse(written.bytes());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->number(1), ~0ULL);
  EXPECT_EQ(message->text(2), "two") << "the last one counts";
  EXPECT_EQ(message->all(2), (std::vector<std::string_view>{"one", "two"}));
  const auto inner = message->message(3);
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->text(1), "inner");
  const auto entry = message->message(4);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->text(1), "key");
  EXPECT_EQ(entry->text(2), "value");
}

TEST(Message, lacks_what_is_missing_or_of_another_type) {
  const auto message = Message::parse("\x08\x01\x12\x01x");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->number(2), 0U);
  EXPECT_EQ(message->text(1), "");
  EXPECT_EQ(message->text(7), "");
  EXPECT_TRUE(message->all(7).empty());
  const auto none = message->message(7);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->number(1), 0U);
}

TEST(Message, passes_over_fields_of_fixed_size) {
  const auto message = Message::parse(
      "\x09"
      "12345678"
      "\x15"
      "1234"
      "\x18\x05");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->number(3), 5U);
  EXPECT_EQ(message->text(1), "");
}

TEST(Message, is_not_made_of_other_bytes) {
  const std::string_view broken[] = {
      "\x08",                                              // a number that is not there
      "\x08\x80",                                          // one that does not end
      "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  // one of eleven bytes
      "\x12\x05"
      "abc",                                            // a text that is cut short
      "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x",  // one of 2^64-1 bytes
      "\x09"
      "1234567",
      "\x15"
      "123",  // cut short, too
      "\x0b",
      "\x0c",
      "\x0e",
      "\x0f",                      // groups, and what is no type
      "\x02\x01x"sv,               // a field of the number 0
      "\x80\x80\x80\x80\x10\x01",  // and one of a number that is too large
      "HTTP/1.1 400 Bad Request\r\n",
  };
  for (const std::string_view bytes : broken) EXPECT_FALSE(Message::parse(bytes)) << bytes;
}

}  // namespace
}  // namespace runi::proto
