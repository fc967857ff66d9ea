#include "runictl/containers/namespaces.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

Process process(int pid, int parent, std::size_t depth, int number, char state = 'S') {
  Process made;
  made.pid = pid;
  made.parent = parent;
  made.depth = depth;
  made.number = number;
  made.state = state;
  return made;
}

TEST(Namespaces, are_found_by_descent) {
  const std::vector<Process> processes = {
      process(1, 0, 1, 1),   process(10, 1, 1, 10), process(20, 10, 2, 1), process(21, 20, 2, 2),
      process(22, 21, 2, 3), process(30, 20, 3, 1), process(31, 30, 3, 2), process(40, 10, 2, 1),
  };
  const auto namespaces = find_namespaces(processes);
  ASSERT_EQ(namespaces.size(), 3U);
  EXPECT_EQ(namespaces[0].members, (std::vector<std::size_t>{2, 3, 4}));
  EXPECT_EQ(namespaces[1].members, (std::vector<std::size_t>{5, 6}));
  EXPECT_EQ(namespaces[2].members, (std::vector<std::size_t>{7}));
}

TEST(Namespaces, that_processes_were_brought_into_are_found_by_inode) {
  std::vector<Process> processes = {
      process(1, 0, 1, 1),  process(20, 1, 2, 1),   process(30, 1, 2, 1),
      process(40, 1, 2, 9), process(41, 40, 2, 10),
  };
  EXPECT_FALSE(enters_namespace(processes[0], processes));
  EXPECT_TRUE(enters_namespace(processes[3], processes));
  EXPECT_FALSE(enters_namespace(processes[4], processes));
  EXPECT_EQ(find_namespaces(processes)[1].members, (std::vector<std::size_t>{2}));
  processes[2].pid_namespace = processes[3].pid_namespace = 77;
  EXPECT_EQ(find_namespaces(processes)[1].members, (std::vector<std::size_t>{2, 3, 4}));
}

TEST(Namespaces, know_whose_the_zombies_are) {
  const std::vector<Process> processes = {
      process(1, 0, 1, 1),        process(20, 1, 2, 1),       process(21, 20, 2, 2, 'Z'),
      process(22, 20, 2, 3),      process(23, 22, 2, 4, 'Z'), process(24, 20, 3, 1, 'Z'),
      process(25, 1, 1, 25, 'Z'),
  };
  const auto namespaces = find_namespaces(processes);
  ASSERT_EQ(namespaces.size(), 1U) << "a dead PID 1 holds no container";
  EXPECT_EQ(namespaces[0].held, (std::vector<std::size_t>{2, 5}));
  EXPECT_EQ(namespaces[0].others, (std::vector<std::size_t>{4}));
}

TEST(Namespaces, survive_what_cannot_be) {
  // Read while ids were used again: a ring, a parent that is not there, a process that is its own.
  const std::vector<Process> processes = {
      process(5, 6, 2, 5),      process(6, 5, 2, 6),      process(7, 99, 2, 7),
      process(8, 8, 2, 8, 'Z'), process(9, 9, 2, 1, 'Z'),
  };
  EXPECT_TRUE(find_namespaces(processes).empty());
}

TEST(FindProcess, finds_by_pid) {
  const std::vector<Process> processes = {process(3, 1, 1, 3), process(7, 3, 1, 7), process(9, 7, 1, 9)};
  ASSERT_NE(find_process(7, processes), nullptr);
  EXPECT_EQ(find_process(7, processes)->parent, 3);
  EXPECT_EQ(find_process(8, processes), nullptr);
  EXPECT_EQ(find_process(10, processes), nullptr);
  EXPECT_EQ(find_process(1, {}), nullptr);
}

}  // namespace
}  // namespace runi
