#include "runictl/show/listing_json.h"

#include "core/json.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

Container container() {
  Container made;
  made.first.pid = 12345;
  made.first.name = "sh";
  made.program = "/bin/dash";
  made.arguments = {"/bin/sh", "script"};
  made.identity.engine = "containerd";
  made.identity.id = "c0ffee";
  return made;
}

TEST(ScanAsJson, has_null_for_what_is_not_known) {
  Survey survey;
  survey.containers = {container()};
  survey.population.processes.resize(7);
  survey.population.unreadable = 3;
  EXPECT_EQ(scan_as_json(survey, assess_all(survey)).lines(), R"({
  "containers": [
    {
      "pid": 12345,
      "engine": "containerd",
      "id": "c0ffee",
      "name": null,
      "pod": null,
      "podNamespace": null,
      "podUid": null,
      "pidNamespace": null,
      "inside": null,
      "process": "sh",
      "program": "/bin/dash",
      "arguments": [
        "/bin/sh",
        "script"
      ],
      "uid": 0,
      "ageSeconds": null,
      "complete": true,
      "processes": 0,
      "sigterm": "dropped",
      "zombies": 0,
      "oldestZombieSeconds": null,
      "zombiesOfOthers": 0,
      "adopted": 0,
      "pids": null,
      "init": null,
      "verdict": "needs-init",
      "because": [
        "shell"
      ],
      "text": "needs an init: a shell that does not forward SIGTERM"
    }
  ],
  "summary": {
    "containers": 1,
    "sandboxes": 0,
    "needInit": 1,
    "haveInit": 0,
    "processes": 7,
    "unreadableProcesses": 3,
    "incompleteContainers": 0,
    "hidesProcesses": false
  }
}
)");
}

TEST(ScanAsJson, has_what_is_known) {
  Survey survey;
  survey.containers = {container()};
  Container& one = survey.containers[0];
  one.identity.name = "app";
  one.identity.pod = "cart";
  one.identity.pod_namespace = "shop";
  one.identity.pod_uid = "1b2c";
  one.first.pid_namespace = 4026531836;
  one.outer = 7;
  one.age_s = 60;
  one.pids = PidsLimit{3, 40};
  one.program.clear();
  survey.hides_processes = true;
  const std::string text = scan_as_json(survey, assess_all(survey)).lines();
  for (const char* member :
       {R"("name": "app")", R"("pod": "cart")", R"("podNamespace": "shop")", R"("podUid": "1b2c")",
        R"("pidNamespace": 4026531836)", R"("inside": 7)", R"("ageSeconds": 60)", R"("program": null)",
        R"("complete": false)", "\"pids\": {\n        \"current\": 3,\n        \"max\": 40\n      }",
        R"("incompleteContainers": 1)", R"("hidesProcesses": true)"}) {
    EXPECT_NE(text.find(member), std::string::npos) << member << text;
  }
}

TEST(ScanAsJson, parses_whatever_the_names) {
  Survey survey;
  survey.containers = {container()};
  survey.containers[0].first.name = "a\xff\"\\";
  survey.containers[0].identity.name = "\x1b\n\xc3";
  const Json json = scan_as_json(survey, assess_all(survey));
  for (const std::string& text : {json.lines(), json.line()}) {
    EXPECT_TRUE(json::Document::parse(text, json::Comments::refused)) << text;
  }
}

TEST(InitsAsJson, has_the_options_as_the_init_reads_them) {
  RunningInit init;
  init.container = container();
  init.container.arguments = {"/dev/.runi-init", "-gt", "10", "--", "app", "-s"};
  init.container.init_version = "1.2.3";
  init.container.first.ignored = 1 << 16;
  init.container.first.no_new_privs = true;
  init.container.first.rss_kib = 12;
  init.application = Process{};
  init.application->pid = 12346;
  init.application->number = 2;
  init.application->name = "app";
  const std::string text = inits_as_json(std::span(&init, 1)).lines();
  const auto from = text.find("      \"application\"");
  ASSERT_NE(from, std::string::npos) << text;
  EXPECT_EQ(text.substr(from), R"(      "application": {
        "pid": 12346,
        "number": 2,
        "process": "app"
      },
      "init": {
        "version": "1.2.3",
        "reaping": "kernel",
        "forward": "group",
        "subreaper": false,
        "graceSeconds": 10,
        "shield": false,
        "options": [
          "-gt",
          "10"
        ],
        "memoryKib": {
          "rss": 12,
          "pss": null,
          "privateDirty": null
        },
        "sandbox": {
          "seccomp": false,
          "noNewPrivileges": true
        }
      }
    }
  ]
}
)");
  init.application.reset();
  init.container.arguments = {"/dev/.runi-init", "--", "app"};
  const std::string other = inits_as_json(std::span(&init, 1)).line();
  EXPECT_NE(other.find(R"("application": null,)"), std::string::npos) << other;
  EXPECT_NE(other.find(R"("graceSeconds": null,)"), std::string::npos) << other;
}

}  // namespace
}  // namespace runi
