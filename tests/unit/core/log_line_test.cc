#include "core/log_line.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

LogRecord web() {
  LogRecord start;
  start.message = "starts with an init";
  start.container_id = "4f2a";
  start.origin = {"default", "web-1", "app"};
  start.decision = "inject";
  start.detail = "at /dev/.runi-init";
  start.runtime = "/usr/sbin/runc";
  start.elapsed_us = 412;
  return start;
}

TEST(LogRecord, a_start_as_text) {
  EXPECT_EQ(log_line_of(web(), LogFormat::text),
            "starts with an init container_id=4f2a namespace=default pod=web-1 container=app decision=inject "
            "detail=\"at /dev/.runi-init\" runtime=/usr/sbin/runc elapsed_us=412");
}

TEST(LogRecord, a_start_as_members_of_a_json_object) {
  EXPECT_EQ(log_line_of(web(), LogFormat::json),
            R"("msg":"starts with an init","container_id":"4f2a","namespace":"default","pod":"web-1",)"
            R"("container":"app","decision":"inject","detail":"at /dev/.runi-init",)"
            R"("runtime":"/usr/sbin/runc","elapsed_us":412)");
}

TEST(LogRecord, what_is_not_known_is_left_out) {
  LogRecord start;
  start.message = "does not start";
  start.decision = "failed";
  start.elapsed_us = 0;
  EXPECT_EQ(log_line_of(start, LogFormat::text), "does not start decision=failed elapsed_us=0");
  EXPECT_EQ(log_line_of(start, LogFormat::json),
            R"("msg":"does not start","decision":"failed","elapsed_us":0)");
}

TEST(LogRecord, what_has_no_time) {
  LogRecord record;
  record.message = "ignores an annotation";
  record.detail = "x decision=inject";
  EXPECT_EQ(log_line_of(record, LogFormat::text), R"(ignores an annotation detail="x decision=inject")");
  EXPECT_EQ(log_line_of(record, LogFormat::json),
            R"("msg":"ignores an annotation","detail":"x decision=inject")");
}

std::string pod_called(std::string_view name) {
  LogRecord start;
  start.origin.pod = name;
  const std::string text = log_line_of(start, LogFormat::text);
  const auto begin = text.find("pod=");
  return text.substr(begin);
}

TEST(LogRecord, no_value_can_pass_for_a_line_or_a_field) {
  EXPECT_EQ(pod_called("web\n2026-11-24 runi: starts"), R"(pod="web\n2026-11-24 runi: starts")");
  EXPECT_EQ(pod_called("web decision=inject"), R"(pod="web decision=inject")");
  EXPECT_EQ(pod_called("decision=inject"), R"(pod="decision=inject")");
  EXPECT_EQ(pod_called("a\" b=\"c"), R"(pod="a\" b=\"c")");
  EXPECT_EQ(pod_called("\\\"\r\t"), R"(pod="\\\"\r\t")");
  EXPECT_EQ(pod_called(std::string_view("\0\x1b[2J\x7f", 6)), R"(pod="\u0000\u001b[2J\u007f")");
  // A next line, a line separator, a turn of direction, a smile, and bytes that are no UTF-8.
  EXPECT_EQ(pod_called("\xC2\x85\xE2\x80\xA8\xE2\x80\xAE\xF0\x9F\x99\x82\xFF"),
            R"(pod="\u0085\u2028\u202e\ud83d\ude42\ufffd")");
}

std::string text_of(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(LogRecord, long_values_end_in_dots_and_never_within_an_escape) {
  EXPECT_EQ(pod_called(text_of("x", 510)), "pod=" + text_of("x", 510));
  EXPECT_EQ(pod_called(text_of("x", 511)), "pod=" + text_of("x", 507) + "...");
  EXPECT_EQ(pod_called(text_of("x", 1 << 20)), "pod=" + text_of("x", 507) + "...");
  EXPECT_EQ(pod_called(text_of("\n", 255)), "pod=\"" + text_of("\\n", 255) + "\"");
  EXPECT_EQ(pod_called(text_of("\n", 256)), "pod=\"" + text_of("\\n", 253) + "...\"");
  EXPECT_EQ(pod_called(text_of("\x01", 512)), "pod=\"" + text_of("\\u0001", 84) + "...\"");
  EXPECT_EQ(pod_called(text_of("\xF0\x9F\x99\x82", 512)), "pod=\"" + text_of("\\ud83d\\ude42", 42) + "...\"");
  for (std::size_t lead = 470; lead < 500; ++lead) {
    const std::string text = pod_called(text_of("x", lead) + text_of("\xF0\x9F\x99\x82", 9));
    const std::size_t pairs = (507 - lead) / 12;  // whole ones, or none
    const std::string content = text_of("x", lead) + text_of("\\ud83d\\ude42", pairs) + "...";
    EXPECT_EQ(text, pairs > 0 ? "pod=\"" + content + '"' : "pod=" + content);
  }
}

TEST(LogRecord, the_longest_line_fits_into_a_pipe_at_once) {
  const std::string longest = text_of("\xF0\x9F\x99\x82", 4096);
  LogRecord start;
  start.message = "starts without an init";
  start.container_id = start.origin.pod_namespace = start.origin.pod = start.origin.container = longest;
  start.decision = "not-a-process";
  start.detail = start.runtime = longest;
  start.elapsed_us = ~std::uint64_t{0};
  EXPECT_LT(log_line_of(start, LogFormat::text).size(), 3900U);
  EXPECT_LT(log_line_of(start, LogFormat::json).size(), 3900U);
}

TEST(LogRecord, where_a_container_belongs) {
  const auto origin = [](const std::string& annotations) {
    static std::string bytes;
    static Spec spec;
    bytes = R"({"annotations":{)" + annotations + "}}";
    auto parsed = parse_spec(bytes);
    EXPECT_TRUE(parsed);
    spec = std::move(*parsed);
    const Origin found = origin_of(spec);
    return std::string(found.pod_namespace) + "/" + std::string(found.pod) + "/" +
           std::string(found.container);
  };
  const std::string containerd =
      R"("io.kubernetes.cri.sandbox-namespace":"ns","io.kubernetes.cri.sandbox-name":"pod",)"
      R"("io.kubernetes.cri.container-name":"app")";
  const std::string crio = R"("io.kubernetes.pod.namespace":"ns2","io.kubernetes.pod.name":"pod2",)"
                           R"("io.kubernetes.container.name":"app2")";
  EXPECT_EQ(origin(containerd), "ns/pod/app");
  EXPECT_EQ(origin(crio), "ns2/pod2/app2");
  EXPECT_EQ(origin(crio + "," + containerd), "ns/pod/app");
  EXPECT_EQ(origin(""), "//");
}

}  // namespace
}  // namespace runi
