#include "runictl/machine/programs.h"

#include "tests/unit/runictl/machine/machine_root.h"

namespace runi {
namespace {

class ProgramsTest : public MachineRoot {
 protected:
  // What a script says of its version, or why it does not.
  [[nodiscard]] std::string run(const std::string& script) const {
    write("/program", "#!/bin/sh\n" + script + "\n", 0755);
    const auto version = version_of(root_ + "/program");
    return version ? *version : "error: " + version.error().what;
  }
};

TEST_F(ProgramsTest, names_are_looked_for_in_the_systems_directories) {
  EXPECT_EQ(program_candidates("/x/runi"), std::vector<std::string>{"/x/runi"});
  const auto candidates = program_candidates("runi");
  EXPECT_EQ(candidates.front(), "/usr/local/sbin/runi");
  EXPECT_EQ(candidates.back(), "/bin/runi");
}

TEST_F(ProgramsTest, the_version_is_the_first_line) {
  EXPECT_EQ(run("echo \"$1\"; echo more; echo error >&2"), "--version");
}

TEST_F(ProgramsTest, a_program_that_fails_has_no_version) {
  EXPECT_EQ(run("echo 1.0; exit 3"), "error: --version: exited with status 3");
  EXPECT_EQ(run("kill -KILL $$"), "error: --version: killed by signal 9");
  EXPECT_TRUE(version_of(root_ + "/missing").error().what.starts_with("exec: "));
}

TEST_F(ProgramsTest, files_that_others_may_write_are_not_trusted) {
  write("/program", "", 0755);
  EXPECT_TRUE(is_trusted(**machine().find("/program")));
  for (const unsigned mode : {0775U, 0757U}) {
    write("/program", "", mode);
    EXPECT_FALSE(is_trusted(**machine().find("/program"))) << mode;
  }
}

}  // namespace
}  // namespace runi
