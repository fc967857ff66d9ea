// runictl scan: which containers need an init. runictl ps: which have runi's.
#include "runictl/commands.h"
#include "runictl/machine/procfs.h"
#include "runictl/show/listing.h"
#include "runictl/show/output.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

namespace runi {
namespace {

struct Wishes {
  std::string proc = "/proc";
  bool json = false;
  bool sandboxes = false;
  double watch_s = 0;  // 0: once
};

constexpr double kDefaultWatchSeconds = 2;
constexpr double kLongestWatchSeconds = 86400;

// How wide a line may be: as the terminal is, or COLUMNS says; elsewhere wide enough for most names.
std::size_t line_width() {
  constexpr std::size_t kDefault = 120;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const long wanted = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  return wanted > 0 && wanted < 10000 ? static_cast<std::size_t>(wanted) : kDefault;
}

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

Result<bool> show_scan(const Procfs& proc, const Wishes& wishes) {
  auto survey = proc.survey();
  if (!survey) return survey.error();
  const auto assessed = assess_all(*survey);
  if (wishes.json) {
    const std::string text = scan_as_json(*survey, assessed);
    print(wishes.watch_s > 0 ? on_one_line(text) : text);
  } else {
    const auto sandboxes = wishes.sandboxes ? Sandboxes::listed : Sandboxes::counted;
    const std::string text = list_scan(*survey, assessed, line_width(), colours_wanted(), sandboxes);
    const bool in_place = wishes.watch_s > 0 && isatty(STDOUT_FILENO) == 1;
    print(in_place ? redrawn(text) : text);
    if (wishes.watch_s > 0 && !in_place) print("\n");
  }
  if (auto written = flush_output(); !written) return with_context("standard output", written.error());
  return std::any_of(assessed.begin(), assessed.end(),
                     [](const Assessed& one) { return one.assessment.verdict == Verdict::needs_init; });
}

// Waits so long. True: SIGINT or SIGTERM came, which are blocked.
bool told_to_end(double seconds) {
  sigset_t ends{};
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  const timespec time{static_cast<time_t>(seconds),
                      static_cast<long>((seconds - std::floor(seconds)) * 1'000'000'000)};
  return sigtimedwait(&ends, nullptr, &time) > 0;
}

int scan(const Wishes& wishes) {
  auto proc = Procfs::open(wishes.proc);
  if (!proc) {
    complain(proc.error().what);
    return kFailed;
  }
  if (wishes.watch_s > 0) {
    // A look is never cut short: the end comes between two of them, with a whole table on the screen.
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    if (!wishes.json && isatty(STDOUT_FILENO) == 1) print("\x1b[2J");
  }
  for (;;) {
    auto needed = show_scan(*proc, wishes);
    if (!needed) {
      complain(needed.error().what);
      return kFailed;
    }
    if (wishes.watch_s <= 0 || told_to_end(wishes.watch_s)) return *needed ? kFound : 0;
  }
}

constexpr std::size_t kMaxRollup = 16 << 10;

RunningInit look_at_init(const Procfs& proc, Container container, std::span<const Process> processes) {
  RunningInit init;
  const std::string rollup = proc.read(container.first.pid, "smaps_rollup", kMaxRollup);
  init.pss_kib = find_kib(rollup, "Pss");
  init.private_dirty_kib = find_kib(rollup, "Private_Dirty");
  init.application = find_application(container.first, processes);
  init.container = std::move(container);
  return init;
}

int ps(const Wishes& wishes) {
  auto proc = Procfs::open(wishes.proc);
  auto survey = proc ? proc->survey() : Result<Survey>(proc.error());
  if (!survey) {
    complain(survey.error().what);
    return kFailed;
  }
  const auto& processes = survey->population.processes;
  std::vector<RunningInit> inits;
  for (Container& container : survey->containers) {
    if (container.is_runi_init) inits.push_back(look_at_init(*proc, std::move(container), processes));
  }
  // Where containers share a PID namespace, it is not PID 1.
  for (const Process& process : processes) {
    if ((process.name != "runi-init" && process.name != ".runi-init") || process.number == 1) continue;
    Container container = proc->look_at(process, processes);
    if (container.is_runi_init) inits.push_back(look_at_init(*proc, std::move(container), processes));
  }
  drop_unborn(inits);
  print(wishes.json ? inits_as_json(inits) : list_inits(inits, line_width(), colours_wanted()));
  return 0;
}

void add_common(CLI::App& command, Wishes& wishes) {
  command.add_flag("--json", wishes.json, "Print JSON");
  command.add_option("--proc", wishes.proc, "Read this proc file system, for example the host's")
      ->type_name("DIR");
}

}  // namespace

void add_scan(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("scan", "List the containers here, those that need an init first");
  auto wishes = std::make_shared<Wishes>();
  add_common(*command, *wishes);
  command->add_flag("--sandboxes", wishes->sandboxes, "List pods' sandboxes too, which are only counted");
  CLI::Option* watch =
      command->add_option("--watch", wishes->watch_s, "Look again every so many seconds (2), until SIGINT")
          ->type_name("SECONDS")
          ->expected(0, 1)
          ->check(CLI::Range(0.1, kLongestWatchSeconds));
  command->callback([wishes, watch, &status] {
    if (watch->count() > 0 && wishes->watch_s <= 0) wishes->watch_s = kDefaultWatchSeconds;
    status = scan(*wishes);
  });
}

void add_ps(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("ps", "List the containers that run under runi-init");
  auto wishes = std::make_shared<Wishes>();
  add_common(*command, *wishes);
  command->callback([wishes, &status] { status = ps(*wishes); });
}

}  // namespace runi
