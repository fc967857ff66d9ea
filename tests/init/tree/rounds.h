// Random trees of processes, each compared with its plan.
#pragma once

#include <cstdint>

namespace tree {

// The mode `rounds` of main.cc. Exits with the number, or dies by it.
[[noreturn]] void run_rounds(std::uint64_t seed, std::uint64_t rounds, bool by_signal, int number);

}  // namespace tree
