#include "runictl/installer/plan.h"

#include "core/sha256.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace runi {
namespace {

const std::string kProgram = "\177ELF runi.dev/ runi-init ";

// A machine as a map of its paths, with podman.
class Plans : public testing::Test {
 protected:
  Plans() {
    facts_.engine.kind = find_engine_kind("podman");
    facts_.look = [this](const std::string& path) {
      const auto found = machine_.find(path);
      return found == machine_.end() ? State{} : found->second;
    };
    facts_.resolve = [this](const std::string& program) {
      return machine_.contains(program) ? program : std::string();
    };
    facts_.first_runtime = "/usr/bin/runc";
    facts_.config_directory = "/etc/runi";
    facts_.payload = &payload_;
    facts_.prefix = "/opt/runi";
    facts_.folder = "/opt/runi/sbin";
    for (const char* path : {"/", "/etc", "/opt", "/usr"}) machine_[path] = State::directory();
    machine_["/usr/bin/runc"] = machine_["/opt/crun"] = State::file("", 0755);
  }

  Planned install() { return plan_install(facts_, wanted_, record_); }
  Planned uninstall() { return plan_uninstall(facts_, removal_, record_); }

  Plan planned(Planned planned) {
    const auto* refusal = std::get_if<Refusal>(&planned);
    EXPECT_EQ(refusal, nullptr) << (refusal != nullptr ? refusal->line() : "");
    return refusal != nullptr ? Plan() : std::get<Plan>(std::move(planned));
  }

  static std::string refusal(const Planned& planned) {
    const auto* refusal = std::get_if<Refusal>(&planned);
    return refusal == nullptr ? "not refused" : refusal->line();
  }

  // What is to be there after it, and what is not: "+/path", "-/path"; other steps by a word.
  static std::vector<std::string> words(const Plan& plan) {
    std::vector<std::string> words;
    for (const Step& step : plan.steps) {
      if (const auto* change = std::get_if<Change>(&step)) {
        words.push_back((change->after.kind == State::Kind::nothing ? "-" : "+") + change->path);
      }
      if (std::holds_alternative<JudgeCandidate>(step)) words.emplace_back("judge");
      if (std::holds_alternative<ReloadEngine>(step)) words.emplace_back("reload");
      if (std::holds_alternative<AwaitEngine>(step)) words.emplace_back("await");
      if (std::holds_alternative<ProveHandler>(step)) words.emplace_back("prove");
    }
    return words;
  }

  // As if it were done.
  void carry_out(const Plan& plan, Progress progress) {
    for (const Step& step : plan.steps) {
      const auto* change = std::get_if<Change>(&step);
      if (change == nullptr) continue;
      EXPECT_TRUE(facts_.look(change->path).is(change->before)) << change->path;
      if (change->after.kind == State::Kind::nothing) {
        machine_.erase(change->path);
      } else {
        machine_[change->path] = change->after;
      }
    }
    facts_.engine.files.clear();
    for (const auto& [path, state] : machine_) {
      if (path.ends_with(".conf")) facts_.engine.files.push_back({path, state.content});
    }
    Entry entry = plan.entry;
    entry.progress = progress;
    record_.remove(entry.engine, entry.handler);
    if (!entry.files.empty()) record_.put(entry);
  }

  Payload payload_ = {"1", kProgram + "1", kProgram + "c", kProgram + "i"};
  std::map<std::string, State> machine_;
  HostFacts facts_;
  InstallWanted wanted_ = {"runi", "", false, RestartBy::systemd};
  UninstallWanted removal_ = {"runi", "", RestartBy::systemd};
  Record record_;
};

const std::string kDropIn = "/etc/containers/containers.conf.d/runi.conf";

TEST_F(Plans, programs_come_first_and_the_proof_last) {
  const Plan plan = planned(install());
  EXPECT_EQ(words(plan),
            (std::vector<std::string>{"+/opt/runi", "+/opt/runi/libexec", "+/opt/runi/libexec/runi",
                                      "+/opt/runi/libexec/runi/runi-init-1",
                                      "+/opt/runi/libexec/runi/runi-init", "+/opt/runi/sbin",
                                      "+/opt/runi/sbin/runictl", "+/opt/runi/sbin/runi", "+/etc/containers",
                                      "+/etc/containers/containers.conf.d", "+" + kDropIn, "prove"}));
  EXPECT_EQ(plan.begun.progress, Progress::begun);
  EXPECT_EQ(plan.begun.files, plan.entry.files);
  EXPECT_EQ(plan.entry.progress, Progress::done);
}

TEST_F(Plans, what_is_done_is_not_done_again) {
  carry_out(planned(install()), Progress::done);
  const Plan again = planned(install());
  EXPECT_TRUE(is_done(again, record_));
}

TEST_F(Plans, what_was_begun_is_proven) {
  carry_out(planned(install()), Progress::begun);
  EXPECT_EQ(words(planned(install())), std::vector<std::string>{"prove"});
  wanted_.restart = RestartBy::nothing;
  const Plan files_only = planned(install());
  EXPECT_EQ(words(files_only), std::vector<std::string>{});
  EXPECT_EQ(files_only.entry.progress, Progress::unproven);
}

TEST_F(Plans, a_removal_is_the_reverse) {
  const auto before = machine_;
  carry_out(planned(install()), Progress::done);
  const Plan removal = planned(uninstall());
  EXPECT_EQ(words(removal).front(), "-" + kDropIn);
  EXPECT_EQ(words(removal).back(), "-/opt/runi");
  carry_out(removal, Progress::done);
  EXPECT_TRUE(record_.entries.empty());
  ASSERT_EQ(machine_.size(), before.size());
}

TEST_F(Plans, an_engine_that_is_restarted_is_waited_for) {
  facts_.engine.kind = find_engine_kind("containerd");
  facts_.engine.containerd.main = {"/etc/containerd/config.toml", "version = 2\n"};
  facts_.engine.program = "/usr/bin/containerd";
  const std::vector<std::string> all = words(planned(install()));
  EXPECT_EQ(std::vector<std::string>(all.end() - 5, all.end()),
            (std::vector<std::string>{"judge", "+/etc/containerd/config.toml", "reload", "await", "prove"}));
}

TEST_F(Plans, programs_stay_that_another_entry_uses) {
  carry_out(planned(install()), Progress::done);
  facts_.engine.kind = find_engine_kind("docker");
  facts_.engine.files.clear();
  carry_out(planned(install()), Progress::done);
  facts_.engine.kind = find_engine_kind("podman");
  const Plan removal = planned(uninstall());
  EXPECT_EQ(words(removal), (std::vector<std::string>{"-" + kDropIn, "-/etc/containers/containers.conf.d",
                                                      "-/etc/containers"}));
}

TEST_F(Plans, a_stand_in_stays_until_it_is_not_needed) {
  carry_out(planned(install()), Progress::done);
  removal_.stand_in = "/usr/bin/runc";
  carry_out(planned(uninstall()), Progress::done);
  EXPECT_TRUE(machine_["/opt/runi/sbin/runi"].is(State::link("/usr/bin/runc")));
  removal_.stand_in.clear();
  const Plan last = planned(uninstall());
  EXPECT_EQ(words(last).front(), "-/opt/runi/sbin/runi");
  EXPECT_TRUE(last.entry.files.empty());
}

TEST_F(Plans, an_installation_takes_the_stand_ins_place) {
  carry_out(planned(install()), Progress::done);
  removal_.stand_in = "/usr/bin/runc";
  carry_out(planned(uninstall()), Progress::done);
  carry_out(planned(install()), Progress::done);
  EXPECT_EQ(machine_["/opt/runi/sbin/runi"].content, payload_.runi);
}

TEST_F(Plans, a_new_version_leaves_the_old_init_to_containers) {
  carry_out(planned(install()), Progress::done);
  payload_ = {"2", kProgram + "12", kProgram + "c2", kProgram + "i2"};
  const Plan upgrade = planned(install());
  EXPECT_EQ(words(upgrade), (std::vector<std::string>{"+/opt/runi/libexec/runi/runi-init-2",
                                                      "+/opt/runi/libexec/runi/runi-init",
                                                      "+/opt/runi/sbin/runictl", "+/opt/runi/sbin/runi"}));
  carry_out(upgrade, Progress::done);
  carry_out(planned(uninstall()), Progress::done);
  EXPECT_FALSE(machine_.contains("/opt/runi"));
}

TEST_F(Plans, in_place_only_the_configuration_is_added) {
  facts_.payload = nullptr;
  facts_.folder = "/usr/sbin";
  const Plan plan = planned(install());
  EXPECT_EQ(words(plan), (std::vector<std::string>{"+/etc/containers", "+/etc/containers/containers.conf.d",
                                                   "+" + kDropIn, "prove"}));
  EXPECT_EQ(plan.entry.program, "/usr/sbin/runi");
}

TEST_F(Plans, a_handler_of_another_name_is_a_link_with_a_configuration_of_its_own) {
  wanted_.handler = "other";
  wanted_.runtime = "/opt/crun";
  carry_out(planned(install()), Progress::done);
  EXPECT_TRUE(machine_["/opt/runi/sbin/other"].is(State::link("runi")));
  EXPECT_EQ(machine_["/opt/runi/etc/runi/other.json"].content, "{ \"runtime\": \"/opt/crun\" }\n");
}

TEST_F(Plans, somebody_elses_files_are_not_replaced) {
  machine_["/opt/runi/sbin/runi"] = State::file("#!/bin/sh\n");
  EXPECT_EQ(refusal(install()),
            "/opt/runi/sbin/runi: something is there that runictl has not put there; move it away, or choose "
            "another "
            "--prefix or --handler");
}

TEST_F(Plans, what_cannot_be_is_refused) {
  wanted_.runtime = "/nowhere";
  EXPECT_EQ(refusal(install()), "/nowhere: there is no such runtime; name another with --runtime");
  wanted_.runtime.clear();
  facts_.first_runtime.clear();
  EXPECT_EQ(refusal(install()),
            "neither runc nor crun is where runi looks for a runtime; name one with --runtime");
  facts_.prefix_fault = "the file system of /opt is read-only";
  EXPECT_EQ(refusal(install()),
            "/opt/runi: the file system of /opt is read-only; choose a directory for programs with --prefix");
  facts_.os_id = "talos";
  EXPECT_NE(refusal(install()).find("Talos"), std::string::npos);
}

TEST_F(Plans, a_configuration_that_would_hide_ours_is_refused) {
  wanted_.runtime = "/opt/crun";
  machine_["/etc/runi/config.json"] = State::file("{}");
  EXPECT_EQ(refusal(install()),
            "/etc/runi/config.json: this configuration of runi's names no runtime \"/opt/crun\"; "
            "add \"runtime\": \"/opt/crun\" to it");
  machine_["/etc/runi/config.json"] = State::file(R"({"runtime": "/opt/crun"})");
  EXPECT_EQ(refusal(install()), "not refused");
}

TEST_F(Plans, a_lost_record_is_made_again) {
  machine_["/etc/containers"] = machine_["/etc/containers/containers.conf.d"] = State::directory();
  carry_out(planned(install()), Progress::done);
  const Entry entry = record_.entries.front();
  record_.entries.clear();
  const Plan plan = planned(install());
  EXPECT_FALSE(is_done(plan, record_));
  EXPECT_EQ(words(plan), std::vector<std::string>{});
  EXPECT_EQ(plan.entry.files, entry.files);
}

TEST_F(Plans, without_a_record_programs_elsewhere_may_be_somebody_else_s) {
  for (const char* path : {"/usr/local", "/usr/local/sbin"}) machine_[path] = State::directory();
  facts_.prefix = "/usr/local";
  facts_.folder = "/usr/local/sbin";
  carry_out(planned(install()), Progress::done);
  const Entry entry = record_.entries.front();
  record_.entries.clear();
  const Plan plan = planned(install());
  ASSERT_EQ(plan.entry.files.size(), 1U);
  EXPECT_EQ(plan.entry.files.front(), entry.files.back());
}

}  // namespace
}  // namespace runi
