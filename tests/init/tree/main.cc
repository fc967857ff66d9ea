// An application for runi-init that makes more processes and takes more signals than a script could.
//
//   tree rounds OUT SEED ROUNDS exit|kill NUMBER
//       Grows ROUNDS random trees of processes, one after the other, and compares what becomes of each with
//       its plan. Says "ready", then "done TREES PROCESSES", takes signals up to kMark, tells them ("NUMBER
//       CODE VALUE"), then "end", and exits with NUMBER or dies by it. A difference is told as "wrong: ...".
//       See rounds.cc.
//   tree count OUT
//       Says "ready" and takes signals up to kMark. Tells "NUMBER COUNT FAULTS" of each number it got: a
//       fault is a value other than the sender's next (see send).
//   tree send PID COUNT SENDER
//       Queues COUNT signals of kFlood for PID, with values that count up for each number; now and then it
//       sends SIGUSR1. If the queue is full, it waits.
//   tree zombies OUT COUNT
//       Says "ready"; on SIGUSR1 makes COUNT processes that end at once and are reaped by nobody, says "made
//       COUNT", on SIGUSR1 has their parent end, and says "alone" when nothing is left but itself and the
//       init.
//   tree limit OUT
//       Says "ready"; on SIGUSR1 forks until that is refused, says "refused COUNT", kills all of them, waits
//       until they are gone, says "released", and waits.
//   tree memory OUT
//       Says "ready"; on SIGUSR1 takes memory until it is killed for it.
//   tree exit|kill NUMBER
#include "process.h"
#include "rounds.h"
#include "storms.h"

#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  const auto is = [&](const char* name, int count) {
    return argc == count + 2 && std::strcmp(argv[1], name) == 0;
  };
  const auto number = [&](int i) { return static_cast<int>(std::strtol(argv[i], nullptr, 10)); };
  if (is("exit", 1)) tree::end(false, number(2));
  if (is("kill", 1)) tree::end(true, number(2));
  if (is("send", 3)) return tree::send(number(2), number(3), number(4));
  if (argc < 3) return 2;
  tree::out = number(2);
  if (is("rounds", 5)) {
    tree::run_rounds(std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10),
                     std::strcmp(argv[5], "kill") == 0, number(6));
  }
  if (is("count", 1)) return tree::count();
  if (is("zombies", 2)) tree::zombies(number(3));
  if (is("limit", 1)) tree::limit();
  if (is("memory", 1)) tree::memory();
  return 2;
}
