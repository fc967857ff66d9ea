#include "report.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(Report, a_json_line_as_runc_writes_it) {
  EXPECT_EQ(log_line("bundle \"/x\": no", LogFormat::json, 1'700'000'000),
            R"({"level":"error","msg":"runi: bundle \"/x\": no","time":"2023-11-14T22:13:20Z"})");
}

TEST(Report, a_text_line_as_runc_writes_it) {
  EXPECT_EQ(log_line("no", LogFormat::text, 1'700'000'000),
            R"(time="2023-11-14T22:13:20Z" level=error msg="runi: no")");
}

}  // namespace
}  // namespace runi
