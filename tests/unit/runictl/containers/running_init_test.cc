#include "runictl/containers/running_init.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(VersionOfInit, as_its_file_says) {
  EXPECT_EQ(version_of_init("\x7f"
                            "ELF tini version 1.2.3-rc1 - git.runi-init\n"),
            "1.2.3-rc1");
  EXPECT_EQ(version_of_init("tini version 0.19.0 - git.de40ad0"), "");
  EXPECT_EQ(version_of_init(" - git.runi-init"), "");
}

TEST(Application, is_the_first_child) {
  std::vector<Process> processes(3);
  processes[0].pid = 50;
  processes[0].parent = 10;
  processes[0].number = 40;
  processes[1].pid = 60;
  processes[1].parent = 10;
  processes[1].number = 2;
  processes[2].pid = 70;
  processes[2].parent = 60;
  processes[2].number = 1;
  Process init;
  init.pid = 10;
  EXPECT_EQ(find_application(init, processes)->pid, 60);
  init.pid = 70;
  EXPECT_FALSE(find_application(init, processes));
}

TEST(Ps, an_application_that_is_about_to_execute_is_no_init) {
  std::vector<RunningInit> inits(3);
  inits[0].container.first.pid = 10;
  inits[0].container.arguments = {"runi-init", "--", "runi-init", "--", "app"};
  inits[1].container.first.pid = 11;
  inits[1].container.first.parent = 10;
  inits[1].container.arguments = {"runi-init", "--", "app"};
  inits[2].container.first.pid = 12;
  inits[2].container.first.parent = 11;
  inits[2].container.arguments = inits[1].container.arguments;
  drop_unborn(inits);
  ASSERT_EQ(inits.size(), 2U);
  EXPECT_EQ(inits[0].container.first.pid, 10);
  EXPECT_EQ(inits[1].container.first.pid, 11);
}

}  // namespace
}  // namespace runi
