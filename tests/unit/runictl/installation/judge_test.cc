#include "runictl/installation/judge.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

namespace runi {
namespace {

FileFacts file_at(const std::string& path, std::uint32_t mode = S_IFREG | 0755, std::uint32_t uid = 0) {
  return {path, mode, uid, ""};
}

// "severity: what", each.
std::vector<std::string> said(const std::vector<Finding>& findings) {
  std::vector<std::string> lines;
  for (const Finding& finding : findings) {
    lines.push_back(std::string(name_of(finding.severity)) + ": " + finding.what);
  }
  return lines;
}

using Lines = std::vector<std::string>;

// One handler, with all it needs, on this machine.
Handlers right_handlers() {
  Handlers facts;
  Handler handler;
  handler.name = "runi";
  handler.program = "/sbin/runi";
  handler.runtime = "/sbin/runc";
  handler.init_candidates = {"/sbin/runi-init", "/libexec/runi/runi-init"};
  handler.init = "/sbin/runi-init";
  facts.handlers = {handler};
  Runtime runtime;
  runtime.file = file_at("/sbin/runc");
  runtime.version = Result<std::string>(std::string("runc version 1.3"));
  facts.runtimes.emplace("/sbin/runc", runtime);
  facts.inits["/sbin/runi-init"] = {file_at("/sbin/runi-init"), "1.2", std::nullopt};
  return facts;
}

MachineFacts this_machine() {
  MachineFacts machine;
  machine.is_this = true;
  return machine;
}

const std::string kRuntimeIsRight = "ok: /sbin/runc: runc version 1.3";
const std::string kInitIsRight =
    "ok: /sbin/runi-init: version 1.2, static, for this machine, executable by all";

TEST(VersionOfRuni, is_in_a_program_with_its_marks_only) {
  const std::string elf = "\177ELF...";
  const std::string version = "runi.dev/version=1.2.3";
  EXPECT_EQ(version_of_runi(elf + "runi.dev/injected" + '\0' + version + '\0' + "x"), "1.2.3");
  EXPECT_EQ(version_of_runi(elf + "runi.dev/injected"), "");
  EXPECT_EQ(version_of_runi(elf + version + std::string(1, '\0')), std::nullopt);
  EXPECT_EQ(version_of_runi("#!/bin/sh runi.dev/injected"), std::nullopt);
  EXPECT_EQ(version_of_runi(elf + "runi.dev/injected" + version + std::string(100, '4'))->size(), 32U);
}

TEST(JudgePrograms, wants_one_that_is_safe_and_executable) {
  Installation installation;
  EXPECT_EQ(said(judge_programs(installation)), Lines{"problem: not found in the system's directories"});
  installation.programs = {{file_at("/a"), "1.0"}, {file_at("/b", S_IFREG | 0666, 7), ""}};
  EXPECT_EQ(said(judge_programs(installation)),
            (Lines{"ok: /a: version 1.0", "problem: not executable",
                   "problem: writable by users other than its owner",
                   "warning: belongs to user 7, who can replace it", "ok: /b"}));
}

TEST(JudgeLeads, refuses_links_with_names_of_crun) {
  Installation installation;
  installation.leads = {{"crun-x", "/sbin/crun-x", false, "/sbin/runi"},
                        {"krun", "/opt/krun", true, "/sbin/runi"},  // the engine's judge says that
                        {"runi", "/sbin/runi", false, "/sbin/runi"}};
  installation.unseen = {{"runi", "/bin/runi", "open: Permission denied"}};
  const auto findings = judge_leads(installation);
  EXPECT_EQ(said(findings),
            (Lines{"note: /bin/runi: open: Permission denied",
                   "problem: crun takes a link of this name as the choice of one of its handlers"}));
  EXPECT_EQ(findings[1].where, "/sbin/crun-x");
}

TEST(JudgeConfigurations, says_what_becomes_of_each_file) {
  ConfigurationFile right;
  right.path = "/etc/runi/config.json";
  right.file = file_at(right.path, S_IFREG | 0644);
  ConfigurationFile broken = right;
  broken.broken = Error{"/inject: wrong"};
  ConfigurationFile unknown = right;
  unknown.handler = "runi-x";
  unknown.is_known = false;
  ConfigurationFile hidden = broken;
  hidden.hidden_by = "/etc/runi/config.json";
  ConfigurationFile unreadable = right;
  unreadable.file.reset();
  unreadable.unreadable = Error{"open: Permission denied"};
  MachineFacts machine;
  const std::vector<ConfigurationFile> files = {right, broken, unknown, hidden, unreadable};
  EXPECT_EQ(
      said(judge_configurations(files, machine)),
      (Lines{"ok: /etc/runi/config.json", "problem: /inject: wrong; nothing starts until it is corrected",
             "note: no link and no engine calls runi by the name runi-x",
             "note: not read: /etc/runi/config.json comes before it",
             "note: open: Permission denied; nothing starts where runi cannot read it"}));
  machine.is_root = true;
  EXPECT_EQ(judge_configurations(std::span(files).last(1), machine)[0].severity, Severity::problem);
}

TEST(JudgeDraft, is_right_or_says_why_not) {
  EXPECT_EQ(said(judge_draft("/x", Config())), Lines{"ok: /x"});
  EXPECT_EQ(said(judge_draft("/x", Error{"wrong"})), Lines{"problem: wrong; nothing would start"});
}

TEST(JudgeHandlers, approves_what_is_right_once) {
  Handlers facts = right_handlers();
  facts.handlers.push_back(facts.handlers[0]);
  facts.handlers[1].name = "runi-2";
  EXPECT_EQ(said(judge_handlers(facts, this_machine())), (Lines{kRuntimeIsRight, kInitIsRight}));
  facts.handlers[1].config.inject = Inject::never;
  EXPECT_EQ(said(judge_handlers(facts, this_machine()))[2],
            "note: inject is \"never\": no container gets the init");
}

TEST(JudgeHandlers, wants_a_log_that_somebody_reads) {
  Handlers facts = right_handlers();
  MachineFacts machine = this_machine();
  machine.has_syslog = false;
  EXPECT_EQ(said(judge_handlers(facts, machine))[0],
            "warning: handler runi: nothing listens on /dev/log, so containers that start without an init "
            "go unnoticed");
  facts.handlers[0].config.on_failure = OnFailure::fail;
  EXPECT_TRUE(said(judge_handlers(facts, machine))[0].starts_with("note: "));
  facts.handlers[0].config.log.sink = LogSink::file;
  EXPECT_EQ(said(judge_handlers(facts, machine))[0], kRuntimeIsRight) << "its directory is not known";
  facts.handlers[0].has_log_directory = false;
  EXPECT_TRUE(
      said(judge_handlers(facts, machine))[0].starts_with("note: handler runi: the directory of the log"));
  facts.handlers[0].config.log.sink = LogSink::none;
  EXPECT_EQ(said(judge_handlers(facts, machine))[0], kRuntimeIsRight);
}

TEST(JudgeHandlers, wants_a_runtime_that_runs) {
  Handlers facts = right_handlers();
  const auto first = [&facts](const MachineFacts& machine) {
    return said(judge_handlers(facts, machine))[0];
  };
  Runtime& runtime = facts.runtimes.at("/sbin/runc");
  runtime.version = Result<std::string>(Error{"--version: exited with status 3"});
  EXPECT_EQ(first(this_machine()), "problem: /sbin/runc: --version: exited with status 3");
  runtime.version.reset();
  EXPECT_EQ(first(this_machine()), "ok: /sbin/runc (not run: others can change it)");
  EXPECT_EQ(first({}), "ok: /sbin/runc (not run: it is another machine's)");
  runtime.file.mode = S_IFREG | 0644;
  EXPECT_EQ(first({}), "problem: /sbin/runc is not an executable file");
  runtime.file.mode = S_IFDIR | 0755;
  EXPECT_EQ(first({}), "problem: /sbin/runc is not an executable file");
  runtime.is_runi = true;
  EXPECT_EQ(first({}), "problem: /sbin/runc is runi itself");
  facts.handlers[0].runtime.clear();
  EXPECT_EQ(first({}), "problem: handler runi: neither runc nor crun is in the system's directories");
  facts.handlers[0].config.runtime = "/opt/crun";
  EXPECT_EQ(first({}), "problem: handler runi: /opt/crun does not exist");
}

TEST(JudgeHandlers, wants_an_init_that_runi_takes) {
  Handlers facts = right_handlers();
  const auto second = [&facts](const MachineFacts& machine) {
    return said(judge_handlers(facts, machine))[1];
  };
  InitFile& init = facts.inits["/sbin/runi-init"];
  init.file.uid = 7;
  EXPECT_EQ(second({}), "warning: belongs to user 7, who can replace it");
  init.fault = Error{"needs a dynamic loader"};
  EXPECT_EQ(second({}), "problem: needs a dynamic loader");
  facts.handlers[0].init.clear();
  EXPECT_EQ(second({}), "problem: handler runi: neither /sbin/runi-init nor /libexec/runi/runi-init exists");
  facts.handlers[0].init_candidates = {"/opt/init"};
  EXPECT_EQ(second({}), "problem: handler runi: /opt/init does not exist");
  facts.handlers[0].init_candidates.clear();
  EXPECT_EQ(said(judge_handlers(facts, {})), Lines{kRuntimeIsRight});
}

TEST(JudgeHandlers, wants_a_type_of_selinux_that_containers_start_from) {
  Handlers facts = right_handlers();
  MachineFacts machine = this_machine();
  machine.has_selinux = true;
  InitFile& init = facts.inits["/sbin/runi-init"];
  const auto second = [&] { return said(judge_handlers(facts, machine))[1]; };
  EXPECT_EQ(second(), "problem: it has no SELinux label");
  init.file.label = "system_u:object_r:usr_t:s0";
  EXPECT_EQ(second(), "problem: its SELinux type usr_t is not one that containers may start from");
  for (const char* type : {"bin_t", "container_ro_file_t", "container_runtime_exec_t"}) {
    init.file.label = "system_u:object_r:" + std::string(type) + ":s0";
    EXPECT_EQ(second(), "ok: /sbin/runi-init: its SELinux type " + std::string(type) +
                            " is one that containers start from");
  }
}

TEST(JudgeKernel, never_finds_more_than_a_note) {
  EXPECT_EQ(said(judge_kernel({true, true})),
            (Lines{"ok: reaps orphans by itself (tried)", "ok: has seccomp filters"}));
  for (const Finding& finding : judge_kernel({})) EXPECT_EQ(finding.severity, Severity::note);
}

}  // namespace
}  // namespace runi
