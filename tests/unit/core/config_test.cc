#include "core/config.h"

#include <gtest/gtest.h>

#include <string>

namespace runi {
namespace {

std::string error_of(std::string_view text) {
  const auto config = parse_config(text);
  return config ? "no error" : config.error().what;
}

TEST(Config, an_empty_object_is_all_defaults) {
  const auto config = parse_config("{}");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->runtime, "");
  EXPECT_EQ(config->inject, Inject::always);
  EXPECT_EQ(config->on_failure, OnFailure::skip);
  EXPECT_EQ(config->shared_pid, SharedPid::skip);
  EXPECT_EQ(config->init_path, "");
  EXPECT_EQ(config->tuning.forward, Forward::child);
  EXPECT_TRUE(config->tuning.signals.empty());
  EXPECT_TRUE(config->tuning.expected_exits.empty());
  EXPECT_EQ(config->tuning.grace_s, std::nullopt);
  EXPECT_EQ(config->tuning.stop_signals, (std::vector<std::string>{"TERM", "INT", "QUIT"}));
  EXPECT_TRUE(config->skip_commands.empty());
  EXPECT_EQ(config->log.level, LogLevel::warning);
  EXPECT_EQ(config->log.sink, LogSink::syslog);
  EXPECT_EQ(config->log.file, "");
  EXPECT_EQ(config->log.format, LogFormat::text);
  EXPECT_EQ(config->annotations, (std::vector<std::string_view>{"init", "forward", "signals", "expect-exit",
                                                                "grace", "stop-signals"}));
}

TEST(Config, every_key) {
  const auto config = parse_config(R"({
    // which one to become
    "runtime": "/usr/bin/crun", "inject": "annotated", "onFailure": "fail", "sharedPid": "subreaper",
    "skipCommands": ["/opt/app/launcher", "my-init"],
    "annotations": ["grace", "init"],
    "init": { "path": "/opt/runi/init", /* to all of them */ "forward": "group",
              "signals": ["TERM:QUIT", "SIGRTMIN+3:0"], "expectExit": [143, 0], "graceSeconds": 86400, "stopSignals": ["SIGTERM", "37"] },
    "log": { "level": "info", "file": "/var/log/runi.log", "sink": "file", "format": "json" } })");
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->runtime, "/usr/bin/crun");
  EXPECT_EQ(config->inject, Inject::annotated);
  EXPECT_EQ(config->on_failure, OnFailure::fail);
  EXPECT_EQ(config->shared_pid, SharedPid::subreaper);
  EXPECT_EQ(config->skip_commands, (std::vector<std::string>{"/opt/app/launcher", "my-init"}));
  EXPECT_EQ(config->init_path, "/opt/runi/init");
  EXPECT_EQ(config->log.level, LogLevel::info);
  EXPECT_EQ(config->log.sink, LogSink::file);
  EXPECT_EQ(config->log.file, "/var/log/runi.log");
  EXPECT_EQ(config->log.format, LogFormat::json);
  EXPECT_EQ(config->tuning.forward, Forward::group);
  EXPECT_EQ(config->tuning.signals, (std::vector<std::string>{"TERM:QUIT", "SIGRTMIN+3:0"}));
  EXPECT_EQ(config->tuning.expected_exits, (std::vector<int>{143, 0}));
  EXPECT_EQ(config->tuning.grace_s, 86400);
  EXPECT_EQ(config->tuning.stop_signals, (std::vector<std::string>{"SIGTERM", "37"}));
  EXPECT_EQ(parse_config(R"({"init":{"stopSignals":"all"}})")->tuning.stop_signals, std::nullopt);
  EXPECT_EQ(parse_config(R"({"init":{"stopSignals":[]}})")->tuning.stop_signals, std::vector<std::string>{});
  EXPECT_EQ(config->annotations, (std::vector<std::string_view>{"grace", "init"}));
  EXPECT_TRUE(parse_config(R"({"annotations":[]})")->annotations.empty());
}

TEST(Config, every_error_names_its_place_and_what_was_expected) {
  EXPECT_EQ(error_of("[]"), "expected an object, found an array");
  EXPECT_EQ(error_of(R"({"Runtime":"/x"})"),
            "/Runtime: unknown key; expected one of runtime, inject, onFailure, sharedPid, init, "
            "skipCommands, annotations, log");
  EXPECT_EQ(
      error_of(R"({"init":{"a/b~\n\"":1}})"),
      R"(/init/a~1b~0\n\": unknown key; expected one of path, forward, signals, expectExit, graceSeconds, stopSignals)");
  EXPECT_EQ(error_of(R"({"runtime":"crun"})"),
            R"(/runtime: expected the absolute path of a file, found "crun")");
  EXPECT_EQ(error_of(R"({"runtime":7})"), "/runtime: expected the absolute path of a file, found 7");
  EXPECT_EQ(error_of(R"({"runtime":"/a\u0000b"})"),
            R"(/runtime: expected the absolute path of a file, found "/a\u0000b")");
  EXPECT_EQ(error_of(R"({"runtime":"/usr/bin/"})"),
            R"(/runtime: expected the absolute path of a file, found "/usr/bin/")");
  EXPECT_EQ(error_of(R"({"inject":"Always"})"),
            R"(/inject: expected "always" or "annotated" or "never", found "Always")");
  EXPECT_EQ(error_of(R"({"inject":true})"),
            R"(/inject: expected "always" or "annotated" or "never", found true)");
  EXPECT_EQ(error_of(R"({"onFailure":null})"), R"(/onFailure: expected "skip" or "fail", found null)");
  EXPECT_EQ(error_of(R"({"sharedPid":[]})"), R"(/sharedPid: expected "skip" or "subreaper", found an array)");
  EXPECT_EQ(error_of(R"({"skipCommands":"x"})"),
            R"(/skipCommands: expected an array of commands, found "x")");
  EXPECT_EQ(error_of(R"({"skipCommands":["x",""]})"),
            R"(/skipCommands/1: expected a command's path or base name, found "")");
  EXPECT_EQ(error_of(R"({"init":"/x"})"), R"(/init: expected an object, found "/x")");
  EXPECT_EQ(error_of(R"({"init":{"grace":1}})"),
            "/init/grace: unknown key; expected one of path, forward, signals, expectExit, graceSeconds, "
            "stopSignals");
  EXPECT_EQ(error_of(R"({"init":{"signals":"TERM:QUIT"}})"),
            R"(/init/signals: expected an array of rewritings, found "TERM:QUIT")");
  EXPECT_EQ(error_of(R"({"init":{"signals":["HUP:0","SIGHUP:1"]}})"),
            "/init/signals/1: expected FROM:TO, names or numbers of signals, where TO may be 0 and no FROM "
            "appears twice, "
            "found \"SIGHUP:1\"");
  EXPECT_EQ(error_of(R"({"init":{"signals":[15]}})").substr(0, 25), "/init/signals/0: expected");
  EXPECT_EQ(error_of(R"({"init":{"expectExit":143}})"),
            "/init/expectExit: expected an array of exit codes, found 143");
  for (const char* code : {"256", "-1", "1.0", "1e1", "\"1\"", "-0"}) {
    EXPECT_EQ(error_of(R"({"init":{"expectExit":[)" + std::string(code) + "]}}"),
              "/init/expectExit/0: expected an exit code from 0 to 255, none of them twice, found " +
                  std::string(code));
  }
  EXPECT_EQ(error_of(R"({"init":{"graceSeconds":86401}})"),
            "/init/graceSeconds: expected whole seconds, 0 to 86400, found 86401");
  EXPECT_EQ(error_of(R"({"init":{"graceSeconds":"1"}})"),
            "/init/graceSeconds: expected whole seconds, 0 to 86400, found \"1\"");
  EXPECT_EQ(error_of(R"({"annotations":"none"})"),
            R"(/annotations: expected an array of annotations' keys, found "none")");
  EXPECT_EQ(error_of(R"({"annotations":["init","runi.dev/grace"]})"),
            R"(/annotations/1: expected one of "init", "forward", "signals", "expect-exit", "grace", )"
            R"("stop-signals", found "runi.dev/grace")");
  EXPECT_EQ(error_of(R"({"init":{"forward":"all"}})"),
            R"(/init/forward: expected "child" or "group", found "all")");
  EXPECT_EQ(error_of(R"({"inject":"never","inject":"always"})"), "/inject: appears twice");
  EXPECT_NE(error_of("{").find("not JSON"), std::string::npos);
}

TEST(Config, errors_in_the_log_s_settings) {
  EXPECT_EQ(error_of(R"({"log":"syslog"})"), R"(/log: expected an object, found "syslog")");
  EXPECT_EQ(error_of(R"({"log":{"path":"/x"}})"),
            "/log/path: unknown key; expected one of level, sink, file, format");
  EXPECT_EQ(error_of(R"({"log":{"level":"debug"}})"),
            R"(/log/level: expected "error" or "warning" or "info", found "debug")");
  EXPECT_EQ(error_of(R"({"log":{"sink":"journald"}})"),
            R"(/log/sink: expected "syslog" or "file" or "stderr" or "none", found "journald")");
  EXPECT_EQ(error_of(R"({"log":{"format":1}})"), R"(/log/format: expected "text" or "json", found 1)");
  EXPECT_EQ(error_of(R"({"log":{"sink":"file","file":"runi.log"}})"),
            R"(/log/file: expected the absolute path of a file, found "runi.log")");
  EXPECT_EQ(error_of(R"({"log":{"sink":"file"}})"),
            R"(/log/file: missing; the sink "file" needs the absolute path of one)");
  EXPECT_EQ(error_of(R"({"log":{"file":"/x"}})"), R"(/log/file: only the sink "file" has one)");
  EXPECT_EQ(error_of(R"({"log":{"file":"/x","sink":"none"}})"), R"(/log/file: only the sink "file" has one)");
}

TEST(Config, the_runtime_of_a_broken_file_is_still_found) {
  EXPECT_EQ(salvage_runtime(R"({"runtime":"/usr/bin/crun","inject":"?"})"), "/usr/bin/crun");
  EXPECT_EQ(salvage_runtime("{ \"inject\" \"x\"\n \"runtime\" : \"/usr/bin/crun\" "), "/usr/bin/crun");
  EXPECT_EQ(salvage_runtime(R"({"note":"runtime", "runtime":"/a"})"), "/a");
  for (const char* text : {"", "\"runtime\"", "\"runtime\":", "\"runtime\":\"", "\"runtime\":\"/x",
                           "\"runtime\":\"crun\"", "\"runtime\":7", "\"runtime\":\"/\"",
                           "\"runtime\":\"/a/\"", "\"runtime\":\"/a\\\"b\"", "\"runtime\":\"/a\tb\""}) {
    EXPECT_EQ(salvage_runtime(text), "") << text;
  }
  using namespace std::string_view_literals;
  EXPECT_EQ(salvage_runtime("\"runtime\":\"/a\0b\" oops"sv), "");  // exec would read it as "/a"
}

}  // namespace
}  // namespace runi
