// Many signals, many zombies, and limits. Each is a mode of main.cc.
#pragma once

#include <sys/types.h>

namespace tree {

int count();
int send(pid_t pid, int count, int sender);
[[noreturn]] void zombies(int count);
[[noreturn]] void limit();
[[noreturn]] void memory();

}  // namespace tree
