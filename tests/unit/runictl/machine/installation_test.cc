#include "runictl/machine/installation.h"

#include "runictl/machine/handlers.h"
#include "tests/unit/runictl/machine/machine_root.h"

#include <algorithm>

namespace runi {
namespace {

const std::string kRuni = std::string("\177ELF runi.dev/injected runi.dev/version=1.2") + '\0';

class InstallationTest : public MachineRoot {
 protected:
  void SetUp() override {
    MachineRoot::SetUp();
    write("/usr/local/sbin/runi", kRuni, 0755);
    write("/usr/sbin/runc", "", 0755);
  }
};

std::vector<std::string> leads_of(const Installation& installation) {
  std::vector<std::string> leads;
  for (const Lead& lead : installation.leads) {
    leads.push_back(lead.name + " " + lead.path + (lead.is_named_by_engine ? " (engine) " : " ") +
                    lead.program);
  }
  return leads;
}

using Lines = std::vector<std::string>;

TEST_F(InstallationTest, has_the_links_beside_the_program) {
  link("runi", "/usr/local/sbin/runicrun");
  link("/usr/sbin/runc", "/usr/local/sbin/runi-not");
  link("/usr/local/sbin/runi", "/usr/bin/far");
  write("/usr/local/sbin/runi-old", kRuni, 0755);
  write("/usr/local/sbin/runictl", kRuni, 0755);
  const Installation installation = find_installation(machine(), {});
  EXPECT_EQ(installation.own, "/usr/local/sbin/runi");
  EXPECT_EQ(leads_of(installation), (Lines{"runi /usr/local/sbin/runi /usr/local/sbin/runi",
                                           "runi-old /usr/local/sbin/runi-old /usr/local/sbin/runi-old",
                                           "runicrun /usr/local/sbin/runicrun /usr/local/sbin/runi"}));
  ASSERT_EQ(installation.programs.size(), 2U);
  EXPECT_EQ(installation.programs[0].file.path, "/usr/local/sbin/runi");
  EXPECT_EQ(installation.programs[0].file.mode & 07777U, 0755U);
  EXPECT_EQ(installation.programs[0].version, "1.2");
}

TEST_F(InstallationTest, tells_what_the_programs_are_that_engines_name) {
  write("/opt/bin/runi", kRuni, 0755);
  const Installation installation =
      find_installation(machine(), {"/opt/bin/runi", "/usr/sbin/runc", "/gone", "runc", "runi"});
  const Programs expected = {{"/opt/bin/runi", Program::runi},
                             {"/usr/sbin/runc", Program::another},
                             {"/gone", Program::missing},
                             {"runc", Program::another},
                             {"runi", Program::runi}};
  EXPECT_EQ(installation.named, expected);
  EXPECT_EQ(leads_of(installation), (Lines{"runi /opt/bin/runi (engine) /opt/bin/runi",
                                           "runi /usr/local/sbin/runi /usr/local/sbin/runi"}));
}

TEST_F(InstallationTest, without_runi_has_none) {
  std::filesystem::remove(root_ + "/usr/local/sbin/runi");
  const Installation installation = find_installation(machine(), {"/usr/sbin/runc"});
  EXPECT_TRUE(installation.own.empty() && installation.programs.empty() && installation.leads.empty());
}

TEST_F(InstallationTest, handlers_lead_to_a_runtime_and_an_init) {
  write("/usr/local/libexec/runi/runi-init", "", 0755);
  const Handlers facts = follow_handlers(machine(), find_installation(machine(), {}), "");
  ASSERT_EQ(facts.handlers.size(), 1U);
  EXPECT_EQ(facts.handlers[0].name, "runi");
  EXPECT_EQ(facts.handlers[0].runtime, "/usr/sbin/runc");
  EXPECT_EQ(facts.handlers[0].init, "/usr/local/libexec/runi/runi-init");
  EXPECT_FALSE(facts.runtimes.at("/usr/sbin/runc").version) << "no program of another machine is run";
  EXPECT_TRUE(facts.inits.at("/usr/local/libexec/runi/runi-init").fault) << "it is an empty file";
}

TEST_F(InstallationTest, each_handler_reads_the_configuration_of_its_own_program) {
  write("/opt/runi/bin/runi", kRuni, 0755);
  write("/opt/runi/etc/runi/config.json", "{\"runtime\": \"/opt/crun\"}");
  write("/opt/runi/etc/runi/runi-x.json", "{");
  const Installation installation = find_installation(machine(), {"/opt/runi/bin/runi"});
  const Handlers facts = follow_handlers(machine(), installation, "");
  ASSERT_EQ(facts.handlers.size(), 2U);
  EXPECT_EQ(facts.handlers[0].config.runtime, "/opt/crun");
  EXPECT_EQ(facts.handlers[0].runtime, "") << "it is not there";
  EXPECT_EQ(facts.handlers[1].config.runtime, "");
  const auto files = read_configurations(machine(), installation, "");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, "/opt/runi/etc/runi/config.json");
  EXPECT_TRUE(files[0].is_known && files[0].hidden_by.empty() && !files[0].broken);
  EXPECT_TRUE(!files[1].is_known && files[1].broken);
  EXPECT_EQ(read_configurations(machine(), installation, "runi").size(), 1U);
}

TEST_F(InstallationTest, a_handler_that_is_asked_for_need_not_be_there) {
  const Handlers facts = follow_handlers(machine(), find_installation(machine(), {}), "runi-new");
  ASSERT_EQ(facts.handlers.size(), 1U);
  EXPECT_EQ(facts.handlers[0].name, "runi-new");
  EXPECT_EQ(facts.handlers[0].program, "/usr/local/sbin/runi");
}

}  // namespace
}  // namespace runi
