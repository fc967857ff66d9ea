// Whether runi and its init work on this machine: proved by one container.
#pragma once

#include "core/result.h"

#include <string>

namespace runi {

// How `runictl in-container` ends, which is what runs in that container; otherwise with 0, if PID 1 is
// runi-init. Numbers that neither runtimes nor shells have for errors of their own.
inline constexpr int kIsPid1 = 41;     // it is PID 1 itself
inline constexpr int kOtherInit = 42;  // PID 1 is another program

struct ProofWanted {
  std::string socket;   // of the engine's CRI
  std::string handler;  // the handler's name
  // runictl, as the engine's machine sees it: mounted into the container. It must be there, as engines make a
  // directory in the place of what is missing.
  std::string program;
};

struct Proof {
  std::string note;  // why there is no proof, though nothing is wrong; empty where it is proven

  [[nodiscard]] bool is_proven() const { return note.empty(); }
};

// Runs a pod of the handler, in the node's network, with one container. Both are removed again, whatever
// happens, and so is what an earlier one left that was killed. Where there is no image to make a pod of, nor
// one can be pulled, nothing is proven. Errors: what the engine said; what PID 1 was instead of runi-init.
Result<Proof> prove_by_cri(const ProofWanted& wanted);

// Runs a container of the program runi itself, for engines without a CRI, from a bundle of its own in a
// private directory of /run. `runictl` is what runs in it: a static program, beside runi where it is empty.
// All paths are those of the machine with the root directory `root`, in which runi is run. Errors: what runi
// or the runtime said; what PID 1 was.
Result<void> prove_by_runi(const std::string& runi, const std::string& runictl = "",
                           const std::string& root = "/");

}  // namespace runi
