#include "runictl/engines/crio.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

using Names = std::vector<std::string>;

const Programs kPrograms = {{"/sbin/runi", Program::runi}, {"/sbin/runc", Program::another}};

const std::string kMain = "/etc/crio/crio.conf";
const std::string kDropIn = "/etc/crio/crio.conf.d/10-runi.conf";

// What upstream's packages say of their default handler.
const std::string kPackaged =
    "[crio.runtime]\ndefault_runtime = \"crun\"\n"
    "[crio.runtime.runtimes.crun]\nruntime_path = \"/libexec/crun\"\nruntime_root = \"/run/crun\"\n"
    "monitor_path = \"/libexec/conmon\"\n";

const std::string kRunc =
    "[crio.runtime.runtimes.runc]\nruntime_path = \"/sbin/runc\"\nruntime_root = \"/run/runc\"\n";

const CrioFacts kFacts = {{{"/libexec/conmon", {"/libexec/conmon", true}},
                           {"/libexec/crun", {"/libexec/crun", true}},
                           {"/sbin/runc", {"/usr/sbin/runc", true}},
                           {"/etc/passwd", {"/etc/passwd", false}}},
                          {}};

// A handler of runi's with these lines.
std::string runi_with(const std::string& lines, const std::string& name = "runi") {
  return "[crio.runtime.runtimes." + name + "]\nruntime_path = \"/sbin/runi\"\n" + lines;
}

std::string runi_default(const std::string& lines) {
  return "[crio.runtime]\ndefault_runtime = \"runi\"\n" + runi_with(lines);
}

const std::string kRight = "monitor_path = \"/libexec/conmon\"\ncontainer_min_memory = \"500KiB\"\n";

std::vector<Finding> judge(const std::string& main, const std::string& drop_in,
                           const CrioFacts& facts = kFacts) {
  const std::vector<ConfigFile> files = {{kMain, main}, {kDropIn, drop_in}};
  return judge_crio(files, kPrograms, facts).findings;
}

// The only finding; what was found instead where there are others.
std::string only(const std::vector<Finding>& findings) {
  std::string all;
  for (const Finding& finding : findings) {
    all += (all.empty() ? "" : "\n") + std::string(name_of(finding.severity)) + " " + finding.what;
    if (!finding.action.empty()) all += " -> " + finding.action;
  }
  return all;
}

std::string only(const std::string& main, const std::string& drop_in, const CrioFacts& facts = kFacts) {
  return only(judge(main, drop_in, facts));
}

CrioFacts with_runtime(const std::string& path) {
  CrioFacts facts = kFacts;
  facts.runtimes["runi"] = path;
  return facts;
}

CrioFacts with_file(const std::string& name) {
  CrioFacts facts = kFacts;
  facts.files[name] = {"/usr/bin/" + name, true};
  return facts;
}

constexpr const char* kOk = "ok handler \"runi\" calls /sbin/runi";

TEST(Crio, a_handler_without_a_path_is_looked_for_by_its_name) {
  const ConfigFile file = {kMain,
                           "[crio.runtime.runtimes.runi]\nruntime_path = "
                           "\"\"\n[crio.runtime.runtimes.x]\nruntime_path = \"/x\"\n"};
  EXPECT_EQ(programs_of_crio({&file, 1}), (Names{"runi", "/x"}));
}

TEST(Crio, what_to_look_at_is_each_monitor_and_each_program_and_the_default_one) {
  const ConfigFile main = {kMain, "[crio.runtime]\nconmon = \"/c\"\ndefault_runtime = \"x\"\n"};
  EXPECT_EQ(files_of_crio({&main, 1}), (Names{"conmon", "crun", "/c", "x"}));
  const ConfigFile packaged = {kMain, kPackaged};
  EXPECT_EQ(files_of_crio({&packaged, 1}), (Names{"conmon", "crun", "/libexec/crun", "/libexec/conmon"}));
}

TEST(Crio, programs_are_judged) {
  EXPECT_EQ(only(kPackaged, runi_with(kRight, "a")), "ok handler \"a\" calls /sbin/runi");
  EXPECT_EQ(only(kPackaged, kRunc), "");
  EXPECT_EQ(only(kPackaged, "[crio.runtime.runtimes.runi]\nruntime_path = \"/sbin/runc\"\n" + kRight),
            "problem handler \"runi\": runtime_path /sbin/runc is not runi, so no container gets an init -> "
            "name the path of runi");
}

TEST(Crio, of_a_handler_only_the_last_table_holds) {
  EXPECT_EQ(only(kPackaged + runi_with(kRight), "[crio.runtime]\nlog_level = \"info\"\n"), kOk);
  const auto findings =
      judge(runi_with(kRight), "[crio.runtime.runtimes.runi]\nmonitor_path = \"/libexec/conmon\"\n");
  ASSERT_EQ(findings.size(), 2U) << only(findings);
  EXPECT_EQ(findings[0].what, "handler \"runi\": runtime_path runi does not exist");
  EXPECT_EQ(findings[0].where, kDropIn + ":1");
  EXPECT_TRUE(findings[1].what.starts_with("handler \"runi\": no container_min_memory")) << only(findings);
}

TEST(Crio, a_handler_that_inherits_calls_the_default_runtime) {
  const auto findings = judge(kPackaged, runi_with(kRight + "inherit_default_runtime = true\n"));
  EXPECT_EQ(only(findings),
            "problem handler \"runi\": inherit_default_runtime replaces runtime_path by that of the default "
            "handler \"crun\", so no container gets an init -> remove that line");
  EXPECT_EQ(findings[0].where, kDropIn + ":5");
  EXPECT_EQ(only(kPackaged, runi_with(kRight + "inherit_default_runtime = false\n")), kOk);
}

TEST(Crio, types_are_judged) {
  const auto of_type = [](const std::string& type) {
    return only(kPackaged, runi_with(kRight + "runtime_type = \"" + type + "\"\n"));
  };
  const std::string remedy = " -> set runtime_type = \"oci\"";
  EXPECT_EQ(of_type(""), kOk);
  EXPECT_EQ(of_type("vm"),
            "problem handler \"runi\": runtime_type is \"vm\", which calls no OCI runtime" + remedy);
  EXPECT_EQ(
      of_type("pod"),
      "warning handler \"runi\": runtime_type is \"pod\", so conmon-rs calls runi, which has not been tried" +
          remedy);
  EXPECT_EQ(
      of_type("OCI"),
      "problem handler \"runi\": runtime_type is \"OCI\", which CRI-O does not know: it ignores the handler" +
          remedy);
}

TEST(Crio, a_handler_without_a_monitor_keeps_crio_from_starting_where_path_has_none) {
  const std::string none = runi_with("container_min_memory = \"1MiB\"\n");
  EXPECT_EQ(
      only(kPackaged, none),
      "problem handler \"runi\": no monitor_path, and the system's directories have no conmon, so CRI-O does "
      "not start -> set monitor_path = \"/libexec/conmon\", as for \"crun\"");
  EXPECT_EQ(only(kPackaged, none, with_file("conmon")), kOk);
  EXPECT_EQ(only(kRunc, none), kOk) << "the default handler is found by the same PATH";
  EXPECT_EQ(only("[crio.runtime]\nconmon = \"/libexec/conmon\"\n" + kPackaged.substr(15), none), kOk);
}

TEST(Crio, the_monitor_of_a_default_handler_of_another_type_is_no_model) {
  EXPECT_EQ(
      only(kPackaged + "runtime_type = \"pod\"\n", runi_with("")),
      "problem handler \"runi\": no monitor_path, and the system's directories have no conmon, so CRI-O does "
      "not start -> set monitor_path to the path of conmon");
}

TEST(Crio, a_monitor_that_cannot_be_run_keeps_crio_from_starting) {
  const auto findings = judge(kPackaged, runi_with("monitor_path = \"/gone\"\n"));
  EXPECT_EQ(only(findings),
            "problem handler \"runi\": monitor_path /gone does not exist, so CRI-O does not start -> set "
            "monitor_path = \"/libexec/conmon\", as for \"crun\"");
  EXPECT_EQ(findings[0].where, kDropIn + ":3");
  EXPECT_EQ(
      only(kPackaged, runi_with("monitor_path = \"/etc/passwd\"\n")),
      "problem handler \"runi\": monitor_path /etc/passwd is not executable, so CRI-O does not start -> run "
      "chmod 0755 on it, or name another");
  EXPECT_EQ(only("[crio.runtime]\nconmon = \"/gone\"\n", runi_with(kRight)),
            "problem handler \"runi\": conmon /gone does not exist, so CRI-O does not start -> name the path "
            "of conmon");
}

TEST(Crio, runi_as_the_default_needs_the_root_of_the_default_before) {
  const std::string lost = ": pods that ran before are lost -> drain the node, set runtime_root = ";
  const auto findings = judge(kPackaged, runi_default(kRight + "runtime_root = \"/run/runi\"\n"));
  EXPECT_EQ(
      only(findings),
      "problem handler \"runi\": is the default_runtime with a runtime_root, /run/runi, other than that of "
      "\"crun\", /run/crun" +
          lost + "\"/run/crun\", and restart CRI-O");
  EXPECT_EQ(findings[0].where, kDropIn + ":7");
  EXPECT_EQ(only(kPackaged, runi_default(kRight + "runtime_root = \"/run/crun/\"\n")), kOk);
  EXPECT_EQ(only(kPackaged, runi_default(kRight)), kOk) << "unset it is /run/crun";
  EXPECT_EQ(only(kPackaged, runi_with(kRight + "runtime_root = \"/run/runi\"\n")), kOk) << "not the default";
  EXPECT_EQ(
      only("[crio.runtime]\ndefault_runtime = \"runc\"\n" + kRunc, runi_default(kRight)),
      "problem handler \"runi\": is the default_runtime with a runtime_root, /run/crun, other than that of "
      "\"runc\", /run/runc" +
          lost + "\"/run/runc\", and restart CRI-O");
}

TEST(Crio, where_the_default_before_is_not_known_each_handler_may_have_been_it) {
  EXPECT_EQ(only(kRunc, runi_default(kRight + "runtime_root = \"/run/runc\"\n")), kOk);
  EXPECT_EQ(only(kRunc, runi_default(kRight + "runtime_root = \"/run/crun\"\n")), kOk);
  const auto findings = judge(kRunc, runi_default(kRight + "runtime_root = \"/run/runi\"\n"));
  ASSERT_EQ(findings.size(), 1U) << only(findings);
  EXPECT_TRUE(
      findings[0].what.ends_with("other than that of \"crun\", /run/crun: pods that ran before are lost"));
}

TEST(Crio, a_handler_needs_the_minimum_of_memory_of_the_default) {
  const std::string monitor = "monitor_path = \"/libexec/conmon\"\n";
  const auto refused = [](const std::string& model, const std::string& memory) {
    return "warning handler \"runi\": no container_min_memory, so containers with a limit below 12 MiB are "
           "refused "
           "that \"" +
           model + "\" would start -> set container_min_memory = \"" + memory + "\"";
  };
  EXPECT_EQ(only("", runi_with(monitor)), refused("crun", "500KiB")) << "the built-in handler has it";
  EXPECT_EQ(only(kPackaged + "container_min_memory = \"2MiB\"\n", runi_with(monitor)),
            refused("crun", "2MiB"));
  EXPECT_EQ(only(kPackaged, runi_with(monitor)), kOk) << "its table takes the place of the built-in handler";
  EXPECT_EQ(only("", runi_with(kRight)), kOk);
}

TEST(Crio, runi_should_become_the_runtime_of_the_default_handler) {
  EXPECT_EQ(only(kPackaged, runi_with(kRight), with_runtime("/libexec/crun")), kOk);
  const auto findings = judge(kPackaged, runi_with(kRight), with_runtime("/usr/sbin/runc"));
  EXPECT_EQ(only(findings),
            "warning handler \"runi\": runi becomes /usr/sbin/runc, while the handler \"crun\" calls "
            "/libexec/crun -> "
            "name it in /etc/runi/runi.json: \"runtime\": \"/libexec/crun\"");
  EXPECT_EQ(findings[0].where, kDropIn + ":1");
  EXPECT_EQ(only("", runi_with(kRight), with_runtime("/usr/sbin/runc")), kOk) << "no crun is there";
  const std::string runc_is_default = "[crio.runtime]\ndefault_runtime = \"runc\"\n" + kRunc;
  EXPECT_EQ(only(runc_is_default, runi_with(kRight), with_runtime("/usr/sbin/runc")), kOk)
      << "through a link";
  EXPECT_EQ(only(kPackaged + "runtime_type = \"vm\"\n", runi_with(kRight), with_runtime("/usr/sbin/runc")),
            kOk);
}

TEST(Crio, what_it_prints_as_comments_because_it_is_the_default) {
  const std::string printed =
      "[crio.runtime]\n# default_runtime is the _name_ of the runtime.\n# default_runtime = \"crun\"\n"
      "# [crio.runtime.runtimes.runtime-handler]\n# runtime_path = \"/path\"\n# Where:\n\n"
      "# [crio.runtime.runtimes.crun]\n# monitor_env = [\n# \t\"A=B\",\n# ]\n\n# no_sync_log = false\n\n"
      "# The workloads table.\n# [crio.runtime.workloads.w]\n# a = 1";
  EXPECT_EQ(read_crio_config(printed),
            "[crio.runtime]\n# default_runtime is the _name_ of the runtime.\ndefault_runtime = \"crun\"\n"
            "# [crio.runtime.runtimes.runtime-handler]\n# runtime_path = \"/path\"\n# Where:\n\n"
            "[crio.runtime.runtimes.crun]\nmonitor_env = [\n\t\"A=B\",\n]\n\nno_sync_log = false\n\n"
            "# The workloads table.\n# [crio.runtime.workloads.w]\n# a = 1");
  EXPECT_EQ(read_crio_config(""), "");
}

}  // namespace
}  // namespace runi
