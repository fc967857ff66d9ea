#include "runictl/show/findings.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

const std::vector<Finding> kFindings = {{Severity::ok, "runi", "/sbin/runi", "", ""},
                                        {Severity::warning, "log", "deaf", "", "set it"},
                                        {Severity::problem, "init", "broken", "/x:1", "mend it"}};

TEST(Findings, are_a_table_with_a_summary) {
  EXPECT_EQ(list_findings(kFindings, false),
            "ok       runi  /sbin/runi\n"
            "warning  log   deaf\n"
            "               -> set it\n"
            "problem  init  broken\n"
            "               in /x:1\n"
            "               -> mend it\n"
            "\n1 problem, 1 warning\n");
  EXPECT_EQ(list_findings({}, false), "\n0 problems, 0 warnings\n");
}

TEST(Findings, are_counted_by_severity) {
  EXPECT_EQ(count_of(kFindings, Severity::problem), 1U);
  EXPECT_EQ(count_of(kFindings, Severity::note), 0U);
  EXPECT_TRUE(is_any_wrong(kFindings));
  EXPECT_FALSE(is_any_wrong(std::span(kFindings).first(1)));
}

TEST(Findings, as_json_have_no_empty_members) {
  EXPECT_EQ(
      findings_as_json(std::span(kFindings).last(2), "/r", "1.2"),
      "{\n  \"version\": \"1.2\",\n  \"root\": \"/r\",\n  \"problems\": 1,\n  \"warnings\": 1,\n  "
      "\"findings\": [\n"
      "    {\n      \"severity\": \"warning\",\n      \"subject\": \"log\",\n      \"what\": \"deaf\",\n"
      "      \"action\": \"set it\"\n    },\n"
      "    {\n      \"severity\": \"problem\",\n      \"subject\": \"init\",\n      \"what\": \"broken\",\n"
      "      \"where\": \"/x:1\",\n      \"action\": \"mend it\"\n    }\n  ]\n}\n");
}

}  // namespace
}  // namespace runi
