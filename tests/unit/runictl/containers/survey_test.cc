#include "runictl/containers/survey.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

Container container(int pid, int outer, const std::string& name = "") {
  Container made;
  made.first.pid = pid;
  made.outer = outer;
  made.identity.name = name;
  return made;
}

TEST(Title, of_a_container_in_another) {
  const std::vector<Container> containers = {container(10, 0, "web"),  container(20, 10), container(30, 20),
                                             container(40, 20, "own"), container(50, 99), container(60, 0)};
  EXPECT_EQ(title_of(containers[0], containers), "web");
  EXPECT_EQ(title_of(containers[1], containers), "in web");
  EXPECT_EQ(title_of(containers[2], containers), "in in web");
  EXPECT_EQ(title_of(containers[3], containers), "own");
  EXPECT_EQ(title_of(containers[4], containers), "") << "the outer one is not known";
  EXPECT_EQ(title_of(containers[5], containers), "");
}

TEST(Title, of_containers_that_are_in_each_other) {
  const std::vector<Container> containers = {container(10, 20), container(20, 10)};
  EXPECT_EQ(title_of(containers[0], containers), "");
}

TEST(Sealed, is_what_does_not_show_its_program) {
  Container one;
  EXPECT_TRUE(is_sealed(one));
  one.program = "/bin/sh";
  EXPECT_FALSE(is_sealed(one));
}

}  // namespace
}  // namespace runi
