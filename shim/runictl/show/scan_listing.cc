#include "runictl/show/scan_listing.h"

#include "runictl/show/listing.h"
#include "runictl/show/wording.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

namespace runi {
namespace {

using std::string_view;

constexpr std::size_t kMaxProgram = 20;  // characters

// What runs as PID 1, in a word or two.
std::string program_of(const Container& container) {
  std::string program = container.first.name;
  if (!container.arguments.empty()) {
    const string_view first = base_of(container.arguments[0]);
    if (!first.empty()) program = first;
    // Of an interpreter, what it runs tells more.
    if (container.arguments.size() > 1 && container.arguments[1] != "--") {
      program += " " + std::string(base_of(container.arguments[1]));
    }
  }
  return std::string(head_of(program, kMaxProgram));
}

std::string share_of(const std::optional<PidsLimit>& pids) {
  if (!pids || pids->max == 0) return "-";
  const auto percent = static_cast<double>(pids->current) * 100 / static_cast<double>(pids->max);
  return std::to_string(static_cast<int>(percent)) + "%";
}

bool is_short_of_pids(const std::optional<PidsLimit>& pids) {
  return pids && pids->current >= pids->max - pids->max / 10;
}

Colour colour_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::needs_init: return Colour::red;
    case Verdict::no_help:
    case Verdict::ignores_sigterm: return Colour::yellow;
    case Verdict::fine:
    case Verdict::has_init:
    case Verdict::init_system: return Colour::green;
    case Verdict::sandbox:
    case Verdict::not_started: return Colour::dim;
  }
  return Colour::plain;
}

std::string zombies_of(const Container& container) {
  if (container.held_zombies == 0) return "-";
  return std::to_string(container.held_zombies);
}

bool is_listed(const Assessed& one, Sandboxes sandboxes) {
  return one.assessment.verdict != Verdict::sandbox || sandboxes == Sandboxes::listed ||
         one.container->held_zombies > 0 || one.container->processes > 1;
}

Cells row_of(const Assessed& one) {
  const Container& container = *one.container;
  return {
      {or_dash(one.title)},
      {program_of(container)},
      {or_dash(container.identity.engine)},
      {std::to_string(container.first.pid)},
      {zombies_of(container), container.held_zombies > 0 ? Colour::red : Colour::plain},
      {share_of(container.pids), is_short_of_pids(container.pids) ? Colour::red : Colour::plain},
      {text_of(one.assessment, container), colour_of(one.assessment.verdict)},
  };
}

// "none has one", "2 have one".
std::string some(std::size_t number, string_view one, string_view many) {
  return (number == 0 ? "none" : std::to_string(number)) + " " + std::string(number <= 1 ? one : many);
}

std::string text_of_counts(const Survey& survey, std::span<const Assessed> assessed,
                           const std::string& engine, std::size_t width, bool colours) {
  const Counts counts = count(assessed);
  const std::string processes = counted(survey.population.processes.size(), "process", "processes");
  if (assessed.empty()) {
    return "No container among " + processes + ": all are in the PID namespace of this /proc.\n";
  }
  const std::size_t containers = assessed.size() - counts.sandboxes;
  std::string text = counted(containers, "container", "containers") + engine;
  if (counts.sandboxes > 0) text += " and " + counted(counts.sandboxes, "pod's sandbox", "pods' sandboxes");
  text += " among " + processes + ":";
  const std::string needing = some(counts.need_init, "needs an init", "need an init");
  const std::string others =
      ", " + some(counts.have_init, "has one", "have one") + ", " +
      some(containers - counts.need_init - counts.have_init, "does without", "do without") + ".\n";
  text += columns_of(text) + columns_of(needing) + columns_of(others) > width ? "\n" : " ";
  return text + painted(needing, counts.need_init == 0 ? Colour::green : Colour::red, colours) + others;
}

// What was not seen, and why.
std::string text_of_gaps(const Survey& survey, std::size_t sealed) {
  std::string text;
  if (sealed > 0) {
    text += "You may not see the program and environment of " + counted(sealed, "container", "containers") +
            "; run as root.\n";
  }
  if (survey.population.unreadable > 0) {
    text += counted(survey.population.unreadable, "process", "processes") + " could not be looked into.\n";
  }
  if (survey.hides_processes) text += "This /proc does not list other users' processes (hidepid).\n";
  return text;
}

}  // namespace

std::string list_scan(const Survey& survey, std::span<const Assessed> assessed, std::size_t width,
                      bool colours, Sandboxes sandboxes) {
  constexpr std::size_t kEngine = 2;
  constexpr std::size_t kPids = 5;
  Listing listing{
      .rows = {heading_of({"CONTAINER", "PROCESS 1", "ENGINE", "PID", "ZOMBIES", "PIDS", "VERDICT"})},
      .numbers = {3, 4, kPids},
      .extras = {kEngine},
      .narrowest_text = 24};
  for (const Assessed& one : assessed) {
    if (is_listed(one, sandboxes)) listing.rows.push_back(row_of(one));
  }
  std::string engine;
  std::string table;
  if (listing.rows.size() > 1) {
    if (only_value(listing, kPids) == "-") drop_column(listing, kPids);
    engine = take_engine(listing, kEngine);
    table = format_listing(std::move(listing), width, colours) + "\n";
  }
  return table + text_of_counts(survey, assessed, engine, width, colours) +
         text_of_gaps(survey, count(assessed).sealed);
}

}  // namespace runi
