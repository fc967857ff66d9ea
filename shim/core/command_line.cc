#include "core/command_line.h"

#include "core/path.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace runi {
namespace {

// Where a flag is known: before the verb, or after which one.
using Place = std::uint8_t;
constexpr Place kGlobal = 1;
constexpr Place kCreate = 2;
constexpr Place kRun = 4;
constexpr Place kRestore = 8;
constexpr Place kCreateRun = kCreate | kRun;
constexpr Place kStart = kCreateRun | kRestore;
constexpr Place kAnywhere = kGlobal | kStart;

// Whether the next word is the flag's value, unless that follows a `=`.
enum class Takes { nothing, value };

// What a flag tells runi. Most matter only for the word that they take.
enum class Means {
  nothing,
  bundle,
  config_file,
  log,       // a file
  log_sink,  // crun's: `file:PATH` or just PATH, or something else than a file
  log_format,
  no_start,
};

struct Flag {
  std::string_view name;
  char letter;  // '\0' where there is no short form
  Takes takes;
  Place place;
  Means means = Means::nothing;
};

// main.go, create.go, run.go and restore.go of runc 1.0 to 1.5; no name ever changed its kind.
// -l and -r are youki's.
constexpr std::array kRuncFlags = {
    Flag{"log", 'l', Takes::value, kGlobal, Means::log},
    Flag{"log-format", '\0', Takes::value, kGlobal, Means::log_format},
    Flag{"root", 'r', Takes::value, kGlobal},
    Flag{"rootless", '\0', Takes::value, kGlobal},
    Flag{"criu", '\0', Takes::value, kGlobal},
    Flag{"debug", '\0', Takes::nothing, kGlobal},
    Flag{"systemd-cgroup", '\0', Takes::nothing, kGlobal},
    Flag{"help", 'h', Takes::nothing, kAnywhere, Means::no_start},
    Flag{"version", 'v', Takes::nothing, kGlobal, Means::no_start},

    Flag{"bundle", 'b', Takes::value, kStart, Means::bundle},
    Flag{"console-socket", '\0', Takes::value, kStart},
    Flag{"pid-file", '\0', Takes::value, kStart},
    Flag{"no-pivot", '\0', Takes::nothing, kStart},
    Flag{"pidfd-socket", '\0', Takes::value, kCreateRun},
    Flag{"preserve-fds", '\0', Takes::value, kCreateRun},
    Flag{"no-new-keyring", '\0', Takes::nothing, kCreateRun},
    Flag{"detach", 'd', Takes::nothing, kRun | kRestore},
    Flag{"no-subreaper", '\0', Takes::nothing, kRun | kRestore},
    Flag{"keep", '\0', Takes::nothing, kRun},
    Flag{"image-path", '\0', Takes::value, kRestore},
    Flag{"work-path", '\0', Takes::value, kRestore},
    Flag{"manage-cgroups-mode", '\0', Takes::value, kRestore},
    Flag{"empty-ns", '\0', Takes::value, kRestore},
    Flag{"lsm-profile", '\0', Takes::value, kRestore},
    Flag{"lsm-mount-context", '\0', Takes::value, kRestore},
    Flag{"tcp-established", '\0', Takes::nothing, kRestore},
    Flag{"ext-unix-sk", '\0', Takes::nothing, kRestore},
    Flag{"shell-job", '\0', Takes::nothing, kRestore},
    Flag{"file-locks", '\0', Takes::nothing, kRestore},
    Flag{"auto-dedup", '\0', Takes::nothing, kRestore},
    Flag{"lazy-pages", '\0', Takes::nothing, kRestore},
};

// src/crun.c, create.c, run.c and restore.c of crun 0.17 to 1.29, then what argp adds to every parser.
// An abbreviation means the first row that it fits. crun refuses one that fits several, so the order matters
// only where an older crun lacks the later rows: --log-level is younger than --log-format.
constexpr std::array kCrunFlags = {
    Flag{"log", '\0', Takes::value, kGlobal, Means::log_sink},
    Flag{"log-format", '\0', Takes::value, kGlobal, Means::log_format},
    Flag{"log-level", '\0', Takes::value, kGlobal},
    Flag{"root", '\0', Takes::value, kGlobal},
    Flag{"rootless", '\0', Takes::value, kGlobal},
    Flag{"cgroup-manager", '\0', Takes::value, kGlobal},
    Flag{"debug", '\0', Takes::nothing, kGlobal},
    Flag{"systemd-cgroup", '\0', Takes::nothing, kGlobal},
    Flag{"version", 'v', Takes::nothing, kGlobal, Means::no_start},

    Flag{"bundle", 'b', Takes::value, kStart, Means::bundle},
    Flag{"config", 'f', Takes::value, kCreateRun, Means::config_file},
    Flag{"console-socket", '\0', Takes::value, kStart},
    Flag{"pid-file", '\0', Takes::value, kStart},
    Flag{"preserve-fds", '\0', Takes::value, kCreateRun},
    Flag{"no-pivot", '\0', Takes::nothing, kCreateRun},
    Flag{"no-subreaper", '\0', Takes::nothing, kCreateRun},
    Flag{"no-new-keyring", '\0', Takes::nothing, kCreateRun},
    Flag{"detach", 'd', Takes::nothing, kRun | kRestore},
    Flag{"keep", '\0', Takes::nothing, kRun},
    Flag{"image-path", '\0', Takes::value, kRestore},
    Flag{"work-path", '\0', Takes::value, kRestore},
    Flag{"manage-cgroups-mode", '\0', Takes::value, kRestore},
    Flag{"lsm-profile", '\0', Takes::value, kRestore},
    Flag{"lsm-mount-context", '\0', Takes::value, kRestore},
    Flag{"network-lock", '\0', Takes::value, kRestore},  // declared a boolean, yet its code takes a word
    Flag{"tcp-established", '\0', Takes::nothing, kRestore},
    Flag{"tcp-close", '\0', Takes::nothing, kRestore},
    Flag{"ext-unix-sk", '\0', Takes::nothing, kRestore},
    Flag{"shell-job", '\0', Takes::nothing, kRestore},
    Flag{"file-locks", '\0', Takes::nothing, kRestore},

    Flag{"help", '?', Takes::nothing, kAnywhere, Means::no_start},
    Flag{"usage", '\0', Takes::nothing, kAnywhere, Means::no_start},
    Flag{"version", 'V', Takes::nothing, kAnywhere, Means::no_start},
    Flag{"program-name", '\0', Takes::value, kAnywhere},
    Flag{"HANG", '\0', Takes::nothing, kAnywhere},  // --HANG=SECONDS, or alone
};

// A dialect: the flags, and how words are read.
struct Rules {
  std::span<const Flag> flags;
  Place after_every_verb;  // flags that are known there too, besides the verb's own
  bool one_dash_clusters;  // `-dbB` is `-d -b B`; otherwise one dash is as good as two: -bundle, --b
  bool abbreviates;        // --bun is --bundle
  bool ends_at_id;         // nothing after the container's id is read
};

// A function, not a table: addresses in constants are relocated at every start.
constexpr Rules rules_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::runc:  // urfave/cli: from version 3 on the global flags are known after the verb, too
      return {.flags = kRuncFlags,
              .after_every_verb = kGlobal,
              .one_dash_clusters = false,
              .abbreviates = false,
              .ends_at_id = false};
    case Dialect::crun:  // argp over getopt_long
      break;
  }
  return {.flags = kCrunFlags,
          .after_every_verb = 0,
          .one_dash_clusters = true,
          .abbreviates = true,
          .ends_at_id = true};
}

// The commands of runc and crun: after an unknown global flag, one of them shows that the flag takes no
// value. Commands of other runtimes would be wrong here: youki's `info` is a value in `--log-level info
// create`.
constexpr std::array<std::string_view, 22> kVerbs = {
    "checkpoint", "completion", "create", "delete", "events", "exec",   "features", "h",
    "help",       "init",       "kill",   "list",   "mounts", "pause",  "ps",       "restore",
    "resume",     "run",        "spec",   "start",  "state",  "update",
};

bool is_verb(std::string_view word) {
  return std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end();
}

bool starts_with_dash(std::string_view word) {
  return !word.empty() && word.front() == '-';
}

// A lone dash is a word like any other to both dialects.
bool is_flag(std::string_view word) {
  return word.size() > 1 && word.front() == '-';
}

// Go's strconv.ParseBool, for the values that it accepts.
bool is_false(std::string_view value) {
  return !value.empty() && (value == "0" || value[0] == 'f' || value[0] == 'F');
}

// A flag as it stands on the command line, without its dashes.
struct Word {
  std::string_view name;
  std::optional<std::string_view> value;  // what follows its `=`
};

Word split(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {word, std::nullopt};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

class Parser {
 public:
  Parser(std::span<const char* const> args, Dialect dialect) : args_(args), rules_(rules_of(dialect)) {}

  CommandLine parse() {
    const std::optional<std::string_view> verb = read_flags_until_positional();
    if (verb) start(*verb);
    if (no_start_) line_.verb = Verb::other;
    return line_;
  }

 private:
  // Only a start's flags are read: those of other verbs are for the runtime alone.
  void start(std::string_view verb) {
    Place own = 0;
    if (verb == "create") {
      line_.verb = Verb::create;
      own = kCreate;
    } else if (verb == "run") {
      line_.verb = Verb::run;
      own = kRun;
    } else if (verb == "restore") {
      line_.verb = Verb::restore;
      own = kRestore;
    } else {
      return;
    }
    places_ = own | rules_.after_every_verb;
    flags_ended_ = false;
    guessed_value_ = {};

    const std::optional<std::string_view> id = read_flags_until_positional();
    // No runtime does without the id. Where it seems to be missing, an unknown flag was given it.
    line_.container_id = id.value_or(guessed_value_);
    if (rules_.ends_at_id) return;
    while (read_flags_until_positional()) {
    }
  }

  std::optional<std::string_view> read_flags_until_positional() {
    while (next_ < args_.size()) {
      const std::string_view word = args_[next_++];
      if (flags_ended_ || !is_flag(word)) return word;
      if (word == "--") {
        flags_ended_ = true;
      } else if (word[1] == '-') {
        read_long(split(word.substr(2)));
      } else if (rules_.one_dash_clusters) {
        read_cluster(word.substr(1));
      } else {
        read_long(split(word.substr(1)));
      }
    }
    return std::nullopt;
  }

  void read_long(Word word) {
    const Flag* flag = find(word.name);
    if (flag == nullptr) {
      if (!word.value) guess_value();
    } else if (flag->takes == Takes::value && !word.value) {
      take_next(*flag);
    } else {
      apply(*flag, word.value.value_or(""));
    }
  }

  // getopt's short options: letters run together until one takes a value, which is the rest of the word or
  // the next.
  void read_cluster(std::string_view letters) {
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const Flag* flag = find(letters[i]);
      const std::string_view rest = letters.substr(i + 1);
      if (flag == nullptr) {
        if (rest.empty()) guess_value();
        return;
      }
      if (flag->takes == Takes::value) {
        if (rest.empty()) return take_next(*flag);
        return apply(*flag, rest);
      }
      apply(*flag, "");
    }
  }

  void take_next(const Flag& flag) {
    if (next_ < args_.size()) apply(flag, args_[next_++]);
  }

  // Runtimes gain flags. One that is not in the tables takes the next word, unless that is a flag or the
  // verb.
  void guess_value() {
    if (next_ == args_.size()) return;
    const std::string_view word = args_[next_];
    if (starts_with_dash(word) || (places_ == kGlobal && is_verb(word))) return;
    guessed_value_ = word;
    ++next_;
  }

  void apply(const Flag& flag, std::string_view value) {
    switch (flag.means) {
      case Means::nothing: break;
      case Means::bundle: line_.bundle = value.empty() ? "." : value; break;
      case Means::config_file:
        line_.config_file.reset();
        if (value != "config.json") line_.config_file = value;
        break;
      case Means::log: line_.log = value; break;
      case Means::log_sink:
        line_.log = file_of_sink(value);
        line_.log_in_bundle = true;
        break;
      case Means::log_format: line_.log_format = value == "json" ? LogFormat::json : LogFormat::text; break;
      case Means::no_start: no_start_ = !is_false(value); break;
    }
  }

  // Empty for journald: and syslog:, to which runi cannot append.
  static std::string_view file_of_sink(std::string_view sink) {
    constexpr std::string_view kFile = "file:";
    if (sink.starts_with(kFile)) return sink.substr(kFile.size());
    return sink.find(':') == std::string_view::npos ? sink : std::string_view();
  }

  const Flag* find(std::string_view name) const {
    const Flag* abbreviated = nullptr;
    for (const Flag& flag : rules_.flags) {
      if (!applies_here(flag)) continue;
      if (flag.name == name) return &flag;
      if (!rules_.one_dash_clusters && name.size() == 1 && flag.letter == name.front()) return &flag;
      if (rules_.abbreviates && abbreviated == nullptr && !name.empty() && flag.name.starts_with(name)) {
        abbreviated = &flag;
      }
    }
    return abbreviated;
  }

  const Flag* find(char letter) const {
    for (const Flag& flag : rules_.flags) {
      if (flag.letter == letter && applies_here(flag)) return &flag;
    }
    return nullptr;
  }

  bool applies_here(const Flag& flag) const { return (flag.place & places_) != 0; }

  std::span<const char* const> args_;
  Rules rules_;
  std::size_t next_ = 0;
  Place places_ = kGlobal;    // those whose flags are known where the parser stands
  bool flags_ended_ = false;  // after `--`
  bool no_start_ = false;     // --help and its like
  std::string_view guessed_value_;
  CommandLine line_;
};

}  // namespace

bool names_a_handler(std::string_view program) {
  return program == "krun" || program.starts_with("crun-");
}

Dialect dialect_of(std::string_view runtime_path) {
  const std::string_view program = base_name(runtime_path);
  return program == "crun" || names_a_handler(program) ? Dialect::crun : Dialect::runc;
}

CommandLine parse_command_line(std::span<const char* const> args, Dialect dialect) {
  return Parser(args, dialect).parse();
}

}  // namespace runi
