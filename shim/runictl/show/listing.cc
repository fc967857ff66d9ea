#include "runictl/show/listing.h"

#include "init/options.h"
#include "runictl/show/output.h"

#include <algorithm>
#include <csignal>

namespace runi {
namespace {

using std::string_view;
using Cells = std::vector<Cell>;

constexpr std::size_t kNarrowestTitle = 12;
constexpr std::size_t kNarrowestCommand = 8;
constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrow = 100;  // columns; with fewer, some are left out

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// Every character taken for one column.
std::size_t columns_of(string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

// The first characters of a text, so many columns of them.
string_view head_of(string_view text, std::size_t columns) {
  std::size_t at = 0;
  while (at < text.size() && (columns > 0 || !begins_character(text[at]))) {
    if (begins_character(text[at])) --columns;
    ++at;
  }
  return text.substr(0, at);
}

// Lines of at most so many columns, broken at blanks where there are some.
std::vector<std::string> wrapped(string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  while (columns_of(text) > columns) {
    string_view line = head_of(text, columns);
    if (const auto blank = text.substr(0, line.size() + 1).rfind(' ');
        blank != string_view::npos && blank > 0) {
      line = line.substr(0, blank);
    }
    lines.emplace_back(line);
    text.remove_prefix(line.size());
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  lines.emplace_back(text);
  return lines;
}

struct Layout {
  static constexpr std::size_t kTitle = 0;    // the column of names
  static constexpr std::size_t kCommand = 1;  // the one of programs
  std::vector<std::size_t> numbers;           // columns to be aligned to the right
  std::size_t narrowest_text;                 // of the last column
  std::vector<std::size_t> extras;            // columns that a narrow table does without
};

void drop(std::vector<Cells>& rows, Layout& layout, std::size_t column) {
  for (Cells& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  std::erase(layout.numbers, column);
  std::erase(layout.extras, column);
  for (std::vector<std::size_t>* columns : {&layout.numbers, &layout.extras}) {
    for (std::size_t& other : *columns) other -= other > column ? 1 : 0;
  }
}

// What all rows below the heading have in this column; empty where they differ.
std::string only_value(const std::vector<Cells>& rows, std::size_t column) {
  const bool same = std::all_of(rows.begin() + 1, rows.end(), [&rows, column](const Cells& row) {
    return row[column].text == rows[1][column].text;
  });
  return rows.size() > 1 && same ? rows[1][column].text : std::string();
}

// Makes the rows fit: names are shortened, and what stands in the last column goes on in the lines below.
std::vector<Cells> fitted(std::vector<Cells> rows, Layout layout, std::size_t width) {
  while (width < kNarrow && !layout.extras.empty()) drop(rows, layout, layout.extras.back());
  const std::size_t columns = rows.front().size();
  std::vector<std::size_t> widths(columns);
  for (Cells& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      row[i].text = printable(row[i].text);
      widths[i] = std::max(widths[i], columns_of(row[i].text));
    }
  }
  std::size_t used = kGap * (columns - 1);
  for (std::size_t i = 0; i + 1 < columns; ++i) used += widths[i];
  const std::size_t last = std::min(widths[columns - 1], std::max(layout.narrowest_text, width / 3));
  // Names give way last, because they tell rows apart.
  constexpr struct {
    std::size_t column;
    std::size_t least;
  } kCuts[] = {{Layout::kCommand, 12},
               {Layout::kTitle, 30},
               {Layout::kCommand, kNarrowestCommand},
               {Layout::kTitle, kNarrowestTitle}};
  for (const auto& [column, least] : kCuts) {
    if (used + last <= width || widths[column] <= least) continue;
    const std::size_t cut = std::min(used + last - width, widths[column] - least);
    widths[column] -= cut;
    used -= cut;
  }
  const std::size_t room = std::max(width, used + layout.narrowest_text) - used;
  std::vector<Cells> lines;
  for (Cells& row : rows) {
    Cell& title = row[Layout::kTitle];
    Cell& command = row[Layout::kCommand];
    title.text = shortened_title(title.text, widths[Layout::kTitle]);
    command.text = shortened(command.text, widths[Layout::kCommand]);
    for (const std::size_t column : layout.numbers) {
      row[column].text.insert(0, widths[column] - columns_of(row[column].text), ' ');
    }
    const Colour colour = row.back().colour;
    auto texts = wrapped(row.back().text, room);
    row.back().text = std::move(texts.front());
    lines.push_back(std::move(row));
    for (std::size_t i = 1; i < texts.size(); ++i) {
      lines.emplace_back(columns).back() = Cell{std::move(texts[i]), colour};
    }
  }
  return lines;
}

// Takes the column of engines out of a table in which it says the same in every row. Returns that, for the
// summary.
std::string take_engine(std::vector<Cells>& rows, Layout& layout, std::size_t column) {
  const std::string engine = only_value(rows, column);
  if (engine.empty()) return {};
  drop(rows, layout, column);
  return engine == "-" ? std::string() : " of " + engine;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

// What runs as PID 1, in a word or two.
std::string command_of(const Container& container) {
  std::string command = container.first.name;
  if (!container.arguments.empty()) {
    string_view first = base_of(container.arguments[0]);
    if (!first.empty()) command = first;
    // Of an interpreter, what it runs tells more.
    if (container.arguments.size() > 1 && container.arguments[1] != "--") {
      command += " " + std::string(base_of(container.arguments[1]));
    }
  }
  return std::string(head_of(command, 20));
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

std::size_t count(std::span<const Assessed> assessed, std::initializer_list<Verdict> verdicts) {
  return static_cast<std::size_t>(
      std::count_if(assessed.begin(), assessed.end(), [verdicts](const Assessed& one) {
        return std::find(verdicts.begin(), verdicts.end(), one.assessment.verdict) != verdicts.end();
      }));
}

std::size_t count_sealed(const Survey& survey) {
  return static_cast<std::size_t>(std::count_if(survey.containers.begin(), survey.containers.end(),
                                                [](const Container& container) { return container.sealed; }));
}

std::string plural(std::size_t number, string_view one, string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

std::string some(std::size_t number, string_view one, string_view many) {
  return (number == 0 ? "none" : std::to_string(number)) + " " + std::string(number <= 1 ? one : many);
}

std::string summary_of(const Survey& survey, std::span<const Assessed> assessed, const std::string& engine,
                       std::size_t width, bool colours) {
  std::string text;
  const std::size_t sandboxes = count(assessed, {Verdict::sandbox});
  const std::size_t containers = assessed.size() - sandboxes;
  const std::size_t needy = count(assessed, {Verdict::needs_init});
  const std::size_t served = count(assessed, {Verdict::has_init, Verdict::init_system});
  const std::string processes = plural(survey.population.processes.size(), "process", "processes");
  if (assessed.empty()) {
    text = "No container among " + processes + ": all are in the PID namespace of this /proc.\n";
  } else {
    text = plural(containers, "container", "containers") + engine;
    if (sandboxes > 0) text += " and " + plural(sandboxes, "pod's sandbox", "pods' sandboxes");
    text += " among " + processes + ":";
    const std::string needing = some(needy, "needs an init", "need an init");
    const std::string others = ", " + some(served, "has one", "have one") + ", " +
                               some(containers - needy - served, "does without", "do without") + ".\n";
    text += columns_of(text) + columns_of(needing) + columns_of(others) > width ? "\n" : " ";
    text += painted(needing, needy == 0 ? Colour::green : Colour::red, colours) + others;
  }
  if (const std::size_t sealed = count_sealed(survey); sealed > 0) {
    text += "Of " + plural(sealed, "container", "containers") +
            " program and environment are not for you to see; root sees all.\n";
  }
  if (survey.population.unreadable > 0) {
    text += plural(survey.population.unreadable, "process", "processes") + " could not be looked into.\n";
  }
  if (survey.hides_processes) text += "This /proc does not list other users' processes (hidepid).\n";
  return text;
}

void write_text(JsonWriter& json, string_view name, const std::string& text) {
  json.key(name);
  if (text.empty()) return json.null();
  json.string(text);
}

void write_number(JsonWriter& json, string_view name, const std::optional<std::uint64_t>& number) {
  json.key(name);
  if (!number) return json.null();
  json.number(static_cast<std::int64_t>(*number));
}

void write_number(JsonWriter& json, string_view name, std::size_t number) {
  json.number(name, static_cast<std::int64_t>(number));
}

void write_identity(JsonWriter& json, const Identity& identity) {
  write_text(json, "engine", identity.engine);
  write_text(json, "id", identity.id);
  write_text(json, "name", identity.name);
  write_text(json, "pod", identity.pod);
  write_text(json, "podNamespace", identity.pod_namespace);
  write_text(json, "podUid", identity.pod_uid);
}

void write_container(JsonWriter& json, const Container& container) {
  const Process& first = container.first;
  json.number("pid", first.pid);
  write_identity(json, container.identity);
  json.key("pidNamespace");
  first.pid_namespace != 0 ? json.number(static_cast<std::int64_t>(first.pid_namespace)) : json.null();
  json.key("inside");
  container.outer != 0 ? json.number(container.outer) : json.null();
  json.string("process", first.name);
  write_text(json, "program", container.program);
  json.key("arguments");
  json.begin_array();
  for (const std::string& argument : container.arguments) json.string(argument);
  json.end_array();
  json.number("uid", static_cast<std::int64_t>(first.uid));
  write_number(json, "ageSeconds", container.age_s);
  json.boolean("complete", !container.sealed);
}

// The command line of a runi-init, read as it reads it.
struct InitCall {
  Options options;
  std::vector<std::string> words;  // its options, as they were given
};

InitCall read_call(const Container& container) {
  InitCall call;
  std::vector<const char*> args;
  for (const std::string& argument : container.arguments) args.push_back(argument.c_str());
  args.push_back(nullptr);
  call.options = parse_options(args.data());
  for (std::size_t i = 1; i < container.arguments.size(); ++i) {
    if (call.options.command == &args[i] || container.arguments[i] == "--") break;
    call.words.push_back(container.arguments[i]);
  }
  call.options.command = nullptr;  // into what goes now
  return call;
}

constexpr std::uint64_t bit(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

// D25: it ignores SIGCHLD where the kernel reaps for it.
bool kernel_reaps(const Process& init) {
  return (init.ignored & bit(SIGCHLD)) != 0;
}

bool is_sandboxed(const Process& init) {
  return init.no_new_privs && init.seccomp == 2;
}

std::string memory_of(const RunningInit& init) {
  const auto rss = init.container.first.rss_kib;
  if (!rss) return "-";
  return std::to_string(*rss) + " KiB";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void write_init(JsonWriter& json, const RunningInit& init) {
  const Process& first = init.container.first;
  const InitCall call = read_call(init.container);
  const Options& options = call.options;
  json.key("init");
  json.begin_object();
  write_text(json, "version", init.container.init_version);
  json.string("reaping", kernel_reaps(first) ? "kernel" : "init");
  json.string("forward", options.forward_to_group ? "group" : "child");
  json.boolean("subreaper", options.subreaper);
  json.key("graceSeconds");
  if (options.grace_s == kNoGrace) {
    json.null();
  } else {
    json.number(options.grace_s);
  }
  json.boolean("shield", options.shield);
  json.key("options");
  json.begin_array();
  for (const std::string& word : call.words) json.string(word);
  json.end_array();
  json.key("memoryKib");
  json.begin_object();
  write_number(json, "rss", first.rss_kib);
  write_number(json, "pss", init.pss_kib);
  write_number(json, "privateDirty", init.private_dirty_kib);
  json.end_object();
  json.key("sandbox");
  json.begin_object();
  json.boolean("seccomp", first.seccomp == 2);
  json.boolean("noNewPrivileges", first.no_new_privs);
  json.end_object();
  json.end_object();
}

}  // namespace

std::string shortened(string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  return std::string(head_of(text, columns - 1)) + "…";
}

std::string shortened_title(string_view title, std::size_t columns) {
  constexpr std::size_t kLeastOfPod = 4;
  const auto first = title.find('/');
  const auto last = title.rfind('/');
  if (columns_of(title) <= columns || first == last) return shortened(title, columns);
  const string_view space = title.substr(0, first + 1);
  const string_view pod = title.substr(first + 1, last - first - 1);
  const string_view container = title.substr(last);
  const std::size_t others = columns_of(space) + columns_of(container);
  if (others + kLeastOfPod + 1 > columns) return shortened(title, columns);
  return std::string(space) + shortened(pod, columns - others) + std::string(container);
}

std::string on_one_line(string_view json) {
  std::string line;
  for (std::size_t at = 0; at < json.size(); ++at) {
    // Strings have no line feed in them: JSON escapes it.
    if (json[at] == '\n') {
      while (at + 1 < json.size() && json[at + 1] == ' ') ++at;
      continue;
    }
    line += json[at];
  }
  return line + "\n";
}

std::vector<Assessed> assess_all(const Survey& survey) {
  std::vector<Assessed> assessed;
  for (const Container& container : survey.containers) assessed.push_back({&container, assess(container)});
  std::stable_sort(assessed.begin(), assessed.end(), [](const Assessed& a, const Assessed& b) {
    return is_worse(*a.container, a.assessment, *b.container, b.assessment);
  });
  return assessed;
}

std::string list_scan(const Survey& survey, std::span<const Assessed> assessed, std::size_t width,
                      bool colours, Sandboxes sandboxes) {
  std::vector<Cells> rows(1);
  for (const char* heading : {"CONTAINER", "PROCESS 1", "ENGINE", "PID", "ZOMBIES", "PIDS", "VERDICT"}) {
    rows[0].push_back({heading, Colour::bold});
  }
  Layout layout{.numbers = {3, 4, 5}, .narrowest_text = 24, .extras = {2}};
  for (const auto& [container, assessment] : assessed) {
    const bool is_listed = assessment.verdict != Verdict::sandbox || sandboxes == Sandboxes::listed ||
                           container->held_zombies > 0 || container->processes > 1;
    if (!is_listed) continue;
    rows.push_back({
        {or_dash(title_of(*container))},
        {command_of(*container)},
        {or_dash(container->identity.engine)},
        {std::to_string(container->first.pid)},
        {zombies_of(*container), container->held_zombies > 0 ? Colour::red : Colour::plain},
        {share_of(container->pids), is_short_of_pids(container->pids) ? Colour::red : Colour::plain},
        {assessment.text, colour_of(assessment.verdict)},
    });
  }
  std::string engine;
  std::string table;
  if (rows.size() > 1) {
    if (only_value(rows, 5) == "-") drop(rows, layout, 5);
    engine = take_engine(rows, layout, 2);
    table = format_table(fitted(std::move(rows), std::move(layout), width), colours) + "\n";
  }
  return table + summary_of(survey, assessed, engine, width, colours);
}

std::string scan_as_json(const Survey& survey, std::span<const Assessed> assessed) {
  JsonWriter json;
  json.begin_object();
  json.key("containers");
  json.begin_array();
  for (const auto& [container, assessment] : assessed) {
    json.begin_object();
    write_container(json, *container);
    write_number(json, "processes", container->processes);
    json.string("sigterm", name_of(sigterm_of(container->first)));
    write_number(json, "zombies", container->held_zombies);
    write_number(json, "oldestZombieSeconds", container->oldest_zombie_s);
    write_number(json, "zombiesOfOthers", container->other_zombies);
    write_number(json, "adopted", container->adopted);
    json.key("pids");
    if (container->pids) {
      json.begin_object();
      write_number(json, "current", container->pids->current);
      write_number(json, "max", container->pids->max);
      json.end_object();
    } else {
      json.null();
    }
    write_text(json, "init", assessment.init);
    json.string("verdict", name_of(assessment.verdict));
    json.key("because");
    json.begin_array();
    for (const Cause cause : assessment.causes) json.string(name_of(cause));
    json.end_array();
    json.string("text", assessment.text);
    json.end_object();
  }
  json.end_array();
  json.key("summary");
  json.begin_object();
  write_number(json, "containers", assessed.size());
  write_number(json, "sandboxes", count(assessed, {Verdict::sandbox}));
  write_number(json, "needInit", count(assessed, {Verdict::needs_init}));
  write_number(json, "haveInit", count(assessed, {Verdict::has_init, Verdict::init_system}));
  write_number(json, "processes", survey.population.processes.size());
  write_number(json, "unreadableProcesses", survey.population.unreadable);
  write_number(json, "incompleteContainers", count_sealed(survey));
  json.boolean("hidesProcesses", survey.hides_processes);
  json.end_object();
  json.end_object();
  return json.text();
}

std::optional<Process> find_application(const Process& init, std::span<const Process> processes) {
  std::optional<Process> application;
  for (const Process& process : processes) {
    if (process.parent != init.pid) continue;
    // Numbers of a namespace grow until they start again, and the application has the first one after 1.
    if (!application || process.number < application->number) application = process;
  }
  return application;
}

void drop_unborn(std::vector<RunningInit>& inits) {
  std::vector<int> unborn;
  for (const RunningInit& init : inits) {
    const Container& container = init.container;
    const bool is_one = std::any_of(inits.begin(), inits.end(), [&container](const RunningInit& other) {
      return other.container.first.pid == container.first.parent &&
             other.container.arguments == container.arguments;
    });
    if (is_one) unborn.push_back(container.first.pid);
  }
  std::erase_if(inits, [&unborn](const RunningInit& init) {
    return std::find(unborn.begin(), unborn.end(), init.container.first.pid) != unborn.end();
  });
}

std::string list_inits(std::span<const RunningInit> inits, std::size_t width, bool colours) {
  if (inits.empty()) return "No container under runi-init.\n";
  std::vector<Cells> rows(1);
  for (const char* heading : {"CONTAINER", "COMMAND", "ENGINE", "INIT", "APP", "AGE", "VERSION", "MEMORY",
                              "REAPS", "SIGNALS", "SANDBOX", "OPTIONS"}) {
    rows[0].push_back({heading, Colour::bold});
  }
  for (const RunningInit& init : inits) {
    const Process& first = init.container.first;
    const InitCall call = read_call(init.container);
    rows.push_back({
        {or_dash(title_of(init.container))},
        {init.application ? init.application->name : "-"},
        {or_dash(init.container.identity.engine)},
        {std::to_string(first.pid)},
        {init.application ? std::to_string(init.application->pid) : "-"},
        {init.container.age_s ? format_age(*init.container.age_s) : "-"},
        {or_dash(init.container.init_version)},
        {memory_of(init)},
        {kernel_reaps(first) ? "kernel" : "init"},
        {call.options.forward_to_group ? "group" : "child"},
        is_sandboxed(first) ? Cell{"yes"} : Cell{"no", Colour::yellow},
        {or_dash(joined(call.words))},
    });
  }
  Layout layout{.numbers = {3, 4, 5, 7}, .narrowest_text = 7, .extras = {2, 10, 7}};
  const std::string engine = take_engine(rows, layout, 2);
  const std::string table = format_table(fitted(std::move(rows), std::move(layout), width), colours);
  return table + "\n" + plural(inits.size(), "container", "containers") + engine + " under runi-init.\n";
}

std::string inits_as_json(std::span<const RunningInit> inits) {
  JsonWriter json;
  json.begin_object();
  json.key("containers");
  json.begin_array();
  for (const RunningInit& init : inits) {
    json.begin_object();
    write_container(json, init.container);
    json.key("application");
    if (init.application) {
      json.begin_object();
      json.number("pid", init.application->pid);
      json.number("number", init.application->number);
      json.string("process", init.application->name);
      json.end_object();
    } else {
      json.null();
    }
    write_init(json, init);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.text();
}

}  // namespace runi
