#include "runi/engine_log.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(EngineLog, a_json_line_as_runc_writes_it) {
  EXPECT_EQ(engine_log_line(Error{"bundle \"/x\": no"}, LogFormat::json, 1'700'000'000),
            R"({"level":"error","msg":"runi: bundle \"/x\": no","time":"2023-11-14T22:13:20Z"})");
}

TEST(EngineLog, a_text_line_as_runc_writes_it) {
  EXPECT_EQ(engine_log_line(Error{"no"}, LogFormat::text, 1'700'000'000),
            R"(time="2023-11-14T22:13:20Z" level=error msg="runi: no")");
}

TEST(EngineLog, an_error_is_a_short_line_whatever_is_in_it) {
  EXPECT_EQ(for_people({"open \"/x\\y\": no"}), "runi: open \"/x\\y\": no");
  EXPECT_EQ(for_people({"a\x1b[31m\n\x7f\xC3\xA4\xff"}), R"(runi: a\u001b[31m\n\u007f\u00e4\ufffd)");
  EXPECT_EQ(for_people({std::string(4'096, 'a')}), "runi: " + std::string(4'096, 'a'));
  EXPECT_EQ(for_people({std::string(4'097, 'a')}), "runi: " + std::string(4'096, 'a') + "...");
  EXPECT_EQ(for_people({std::string(8'000'000, '\x1b')}).size(), 6 + 4'096 + 3);
  EXPECT_LT(engine_log_line({std::string(8'000'000, '\x1b')}, LogFormat::text, 0).size(), 10'000);
}

}  // namespace
}  // namespace runi
