// Whether a container needs an init, and why: from facts, as names for programs to go by.
#pragma once

#include "runictl/containers/survey.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// What becomes of a SIGTERM sent to PID 1.
enum class Sigterm {
  dropped,  // no handler: the kernel drops it, because it is PID 1
  ignored,  // by its own wish
  blocked,  // may be waited for, by sigwait(3) or signalfd(2)
  handled,
};
[[nodiscard]] Sigterm sigterm_of(const Process& first);
[[nodiscard]] std::string_view name_of(Sigterm sigterm);

// Worst first.
enum class Verdict {
  needs_init,
  no_help,  // its signals would not reach the application
  ignores_sigterm,
  fine,
  has_init,
  init_system,
  sandbox,
  not_started,
};
[[nodiscard]] std::string_view name_of(Verdict verdict);

// Why a container needs an init.
enum class Cause {
  zombies,
  shell,       // which drops SIGTERM, and so does not pass it on
  no_handler,  // any other program that drops SIGTERM
};
[[nodiscard]] std::string_view name_of(Cause cause);

struct Assessment {
  Verdict verdict = Verdict::fine;
  std::vector<Cause> causes;  // of needs_init and no_help; not empty there
  std::string init;           // of has_init and init_system: its name
};
[[nodiscard]] Assessment assess(const Container& container);

// A container of a survey, what it is called there, and the verdict on it.
struct Assessed {
  const Container* container = nullptr;
  std::string title;
  Assessment assessment;
};

// Worst first. They point into the survey.
[[nodiscard]] std::vector<Assessed> assess_all(const Survey& survey);

// How many containers there are of a kind.
struct Counts {
  std::size_t sandboxes = 0;
  std::size_t need_init = 0;
  std::size_t have_init = 0;  // or are under an init system
  std::size_t sealed = 0;
};
[[nodiscard]] Counts count(std::span<const Assessed> assessed);

}  // namespace runi
