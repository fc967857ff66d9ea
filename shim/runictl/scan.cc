#include "runictl/commands.h"
#include "runictl/containers/verdict.h"
#include "runictl/machine/procfs.h"
#include "runictl/machine/terminal.h"
#include "runictl/show/listing_json.h"
#include "runictl/show/scan_listing.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <string>

namespace runi {
namespace {

// Shows `text` in the place of what was there before, without a flicker.
std::string redrawn(const std::string& text) {
  constexpr std::string_view kHome = "\x1b[H";
  constexpr std::string_view kClearLine = "\x1b[K";
  constexpr std::string_view kClearRest = "\x1b[J";
  std::string screen(kHome);
  for (const char c : text) {
    if (c == '\n') screen += kClearLine;
    screen += c;
  }
  return screen.append(kClearRest);
}

Result<bool> show_scan(const Procfs& proc, const ScanOptions& options) {
  auto survey = proc.survey();
  if (!survey) return survey.error();
  const auto assessed = assess_all(*survey);
  if (options.json) {
    const Json json = scan_as_json(*survey, assessed);
    print(options.watch_s > 0 ? json.line() : json.lines());
  } else {
    const auto sandboxes = options.sandboxes ? Sandboxes::listed : Sandboxes::counted;
    const std::string text = list_scan(*survey, assessed, line_width(), colours_wanted(), sandboxes);
    const bool in_place = options.watch_s > 0 && isatty(STDOUT_FILENO) == 1;
    print(in_place ? redrawn(text) : text);
    if (options.watch_s > 0 && !in_place) print("\n");
  }
  if (auto written = flush_output(); !written) return with_context("standard output", written.error());
  return std::any_of(assessed.begin(), assessed.end(),
                     [](const Assessed& one) { return one.assessment.verdict == Verdict::needs_init; });
}

// Waits. True: SIGINT or SIGTERM came, which are blocked.
bool told_to_end(double seconds) {
  sigset_t ends{};
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  const timespec time{static_cast<time_t>(seconds),
                      static_cast<long>((seconds - std::floor(seconds)) * 1'000'000'000)};
  return sigtimedwait(&ends, nullptr, &time) > 0;
}

}  // namespace

Result<int> scan(const ScanOptions& options) {
  auto proc = Procfs::open(options.proc);
  if (!proc) return proc.error();
  if (options.watch_s > 0) {
    // A look is never cut short: the end comes between two of them, with a whole table on the screen.
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    if (!options.json && isatty(STDOUT_FILENO) == 1) print("\x1b[2J");
  }
  for (;;) {
    auto needed = show_scan(*proc, options);
    if (!needed) return needed.error();
    if (options.watch_s <= 0 || told_to_end(options.watch_s)) return *needed ? kFound : 0;
  }
}

}  // namespace runi
