#include "runictl/containers/verdict.h"

#include "core/decide.h"
#include "core/init_systems.h"
#include "runictl/containers/supervisor.h"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <tuple>

namespace runi {
namespace {

using std::string_view;

template <typename Range>
bool contains(const Range& range, string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

constexpr string_view kShells[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"};
// One file, many programs: which of them it is, only the name it was called by tells.
constexpr string_view kMultiCall[] = {"busybox", "toybox", "coreutils", ""};

struct Names {
  string_view program;  // of the file; empty where it may not be seen, and where it tells nothing
  string_view process;  // as the process calls itself, 15 characters at most
  string_view word;     // its first argument, without the dash of a login shell
};

Names names_of(const Container& container) {
  Names names;
  string_view program = container.program;
  if (program.ends_with(" (deleted)")) program.remove_suffix(10);
  program = base_of(program);
  if (!contains(kMultiCall, program)) names.program = program;
  names.process = container.first.name;
  if (!container.arguments.empty()) names.word = base_of(container.arguments[0]);
  if (names.word.starts_with('-')) names.word.remove_prefix(1);
  return names;
}

bool is_shell(const Names& names) {
  if (!names.program.empty()) return contains(kShells, names.program);
  return contains(kShells, names.process) || contains(kShells, names.word);
}

// The name under which the predicate knows the program; empty where it knows none of them.
template <typename Predicate>
string_view known_name(const Names& names, Predicate is_known) {
  for (const string_view name : {names.program, names.process, names.word}) {
    if (!name.empty() && is_known(name)) return name;
  }
  return {};
}

// The runtime's own process, which becomes the container's when that is started. runc names it so; crun's is
// a copy of itself, with its command line.
bool is_not_started(const Names& names, const std::vector<std::string>& arguments) {
  if (names.process.starts_with("runc:[")) return true;
  return is_runtime(names.process) && !read_runtime(arguments).id.empty();
}

// By what its engine says, else by its command, as runi takes them for sandboxes (decide.cc).
bool is_sandbox(const Container& container) {
  const auto& words = container.arguments;
  if (container.identity.sandbox || words.empty()) return container.identity.sandbox;
  return words[0] == "/pause" || (base_of(words[0]) == "catatonit" && words.size() > 1 && words[1] == "-P");
}

// kill(2): it may signal what has its own id as the real or the saved one.
bool init_would_reach(const Container& container) {
  const Identity& identity = container.identity;
  return identity.signals_all || !identity.first_uid || container.first.real_uid == *identity.first_uid ||
         container.first.saved_uid == *identity.first_uid;
}

std::size_t rank_of(const Assessment& assessment) {
  // Each cause counts, in the order of how soon it hurts: zombies end in a container that can start nothing.
  std::size_t rank = static_cast<std::size_t>(assessment.verdict) * 100;
  for (const Cause cause : {Cause::zombies, Cause::shell, Cause::no_handler}) {
    const bool absent =
        std::find(assessment.causes.begin(), assessment.causes.end(), cause) == assessment.causes.end();
    rank = rank * 2 + (absent ? 1 : 0);
  }
  return rank;
}

}  // namespace

Sigterm sigterm_of(const Process& first) {
  constexpr std::uint64_t kBit = std::uint64_t{1} << (SIGTERM - 1);
  if ((first.caught & kBit) != 0) return Sigterm::handled;
  // The kernel unblocks what is waited for while it is waited for: kernel/signal.c, do_sigtimedwait.
  if ((first.blocked & kBit) != 0 || first.waits_for_signals) return Sigterm::blocked;
  return (first.ignored & kBit) != 0 ? Sigterm::ignored : Sigterm::dropped;
}

string_view name_of(Sigterm sigterm) {
  switch (sigterm) {
    case Sigterm::dropped: return "dropped";
    case Sigterm::ignored: return "ignored";
    case Sigterm::blocked: return "blocked";
    case Sigterm::handled: return "handled";
  }
  return "unknown";
}

string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::needs_init: return "needs-init";
    case Verdict::no_help: return "no-help";
    case Verdict::ignores_sigterm: return "ignores-sigterm";
    case Verdict::fine: return "fine";
    case Verdict::has_init: return "has-init";
    case Verdict::init_system: return "init-system";
    case Verdict::sandbox: return "sandbox";
    case Verdict::not_started: return "not-started";
  }
  return "unknown";
}

string_view name_of(Cause cause) {
  switch (cause) {
    case Cause::zombies: return "zombies";
    case Cause::shell: return "shell";
    case Cause::no_handler: return "no-sigterm-handler";
  }
  return "unknown";
}

Assessment assess(const Container& container) {
  Assessment assessment;
  const Names names = names_of(container);
  const bool shell = is_shell(names);
  const string_view init = shell ? string_view{} : known_name(names, is_init);
  const string_view system = shell ? string_view{} : known_name(names, is_init_system);
  if (is_not_started(names, container.arguments)) {
    assessment.verdict = Verdict::not_started;
  } else if (is_sandbox(container)) {
    assessment.verdict = Verdict::sandbox;
  } else if (container.is_runi_init || !init.empty()) {
    assessment.verdict = Verdict::has_init;
    assessment.init = init.starts_with('.') ? init.substr(1) : init;
    if (container.is_runi_init && assessment.init != "runi-init") {
      assessment.init = assessment.init.empty() ? "runi-init" : "runi-init, called " + assessment.init;
    }
  } else if (!system.empty()) {
    assessment.verdict = Verdict::init_system;
    assessment.init = system;
  } else {
    if (container.held_zombies > 0) assessment.causes.push_back(Cause::zombies);
    const Sigterm sigterm = sigterm_of(container.first);
    // A shell never waits for it: it blocks signals for a moment when it starts a command.
    const bool dropped = sigterm == Sigterm::dropped || (shell && sigterm == Sigterm::blocked);
    if (dropped) assessment.causes.push_back(shell ? Cause::shell : Cause::no_handler);
    if (!assessment.causes.empty()) {
      assessment.verdict = init_would_reach(container) ? Verdict::needs_init : Verdict::no_help;
    } else {
      assessment.verdict = sigterm == Sigterm::ignored ? Verdict::ignores_sigterm : Verdict::fine;
    }
  }
  return assessment;
}

std::vector<Assessed> assess_all(const Survey& survey) {
  std::vector<Assessed> assessed;
  for (const Container& container : survey.containers) {
    assessed.push_back({&container, title_of(container, survey.containers), assess(container)});
  }
  const auto key = [](const Assessed& one) {
    return std::tuple(rank_of(one.assessment), -static_cast<std::int64_t>(one.container->held_zombies),
                      string_view(one.title), one.container->first.pid);
  };
  std::stable_sort(assessed.begin(), assessed.end(),
                   [key](const Assessed& a, const Assessed& b) { return key(a) < key(b); });
  return assessed;
}

Counts count(std::span<const Assessed> assessed) {
  Counts counts;
  for (const Assessed& one : assessed) {
    const Verdict verdict = one.assessment.verdict;
    if (verdict == Verdict::sandbox) ++counts.sandboxes;
    if (verdict == Verdict::needs_init) ++counts.need_init;
    if (verdict == Verdict::has_init || verdict == Verdict::init_system) ++counts.have_init;
    if (is_sealed(*one.container)) ++counts.sealed;
  }
  return counts;
}

}  // namespace runi
