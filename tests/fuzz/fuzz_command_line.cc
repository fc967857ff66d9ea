// Command lines. The input is a word a line: whatever the words, there is an answer, made of nothing but
// them. And its bytes are choices that make a command line of a known meaning, written in one of the ways
// that the dialect has for it: that meaning must be read.
#include "core/command_line.h"
#include "input.h"

#include <iterator>
#include <string>
#include <vector>

namespace {

using runi::Choices;
using runi::CommandLine;
using runi::Dialect;
using runi::LogFormat;
using runi::require;
using runi::Verb;

CommandLine read(const std::vector<std::string>& words, Dialect dialect) {
  std::vector<const char*> args;
  args.reserve(words.size());
  for (const std::string& word : words) args.push_back(word.c_str());
  return runi::parse_command_line(args, dialect);
}

bool is_within(std::string_view part, const std::vector<std::string>& words) {
  return part.empty() || std::any_of(words.begin(), words.end(), [part](const std::string& word) {
           return part.data() >= word.data() && part.data() + part.size() <= word.data() + word.size();
         });
}

void check_any(std::string_view text) {
  std::vector<std::string> words;
  do {
    const std::string_view line = runi::take_until('\n', text);
    words.emplace_back(line.substr(0, line.find('\0')));
  } while (!text.empty());
  for (const auto dialect : {Dialect::runc, Dialect::crun}) {
    const CommandLine line = read(words, dialect);
    require(!line.bundle.empty(), "a bundle");
    require(line.bundle == "." || is_within(line.bundle, words), "a bundle of the words");
    require(!line.config_file || is_within(*line.config_file, words), "a configuration of the words");
    require(is_within(line.log, words), "a log of the words");
    require(is_within(line.container_id, words), "an id of the words");
  }
}

// A flag of the runtimes', as their manual pages have it.
struct Flag {
  std::string_view name;
  char letter = '\0';
  bool takes_value = true;
};

constexpr Flag kGlobalFlags[] = {{"log"},      {"log-format"},         {"root"},
                                 {"rootless"}, {"debug", '\0', false}, {"systemd-cgroup", '\0', false}};
constexpr Flag kCreateFlags[] = {
    {"bundle", 'b'},  {"console-socket"},        {"pid-file"},
    {"preserve-fds"}, {"no-pivot", '\0', false}, {"no-new-keyring", '\0', false}};
constexpr Flag kRunFlags[] = {{"bundle", 'b'},
                              {"pid-file"},
                              {"detach", 'd', false},
                              {"keep", '\0', false},
                              {"no-subreaper", '\0', false},
                              {"preserve-fds"}};
constexpr Flag kRestoreFlags[] = {{"bundle", 'b'},        {"image-path"},
                                  {"work-path"},          {"manage-cgroups-mode"},
                                  {"detach", 'd', false}, {"shell-job", '\0', false}};
constexpr Flag kCrunConfig = {"config", 'f'};

// Words that mean something in another place, or to another dialect.
constexpr std::string_view kValues[] = {
    "/b",  ".",     "create", "run",    "--bundle", "--bundle=/x", "-b",          "--",         "-",
    "",    "=",     "a=b",    "json",   "text",     "file:/l",     "journald:x",  "--help",     "id",
    "-bX", "false", "--log",  "delete", "restore",  "0",           "config.json", "--config=/c"};
constexpr std::string_view kPlainWords[] = {"id", "a=b", "x", "", "-", "bundle", "create", "file:/l"};
constexpr std::string_view kOtherVerbs[] = {"state", "kill",  "delete", "start",
                                            "exec",  "creat", "bundle", "-"};

// The words of a command line and what they mean, in the making.
class Writer {
 public:
  Writer(Choices& choices, Dialect dialect) : choices_(choices), crun_(dialect == Dialect::crun) {
    meaning_.log_in_bundle = false;
  }

  void write() {
    write_flags(kGlobalFlags, false);
    if (choices_.below(4) == 1) words_.emplace_back("--");
    static constexpr Verb kVerbs[] = {Verb::create, Verb::run, Verb::restore, Verb::other};
    meaning_.verb = choices_.one_of(kVerbs);
    switch (meaning_.verb) {
      case Verb::create: write_start("create", kCreateFlags); break;
      case Verb::run: write_start("run", kRunFlags); break;
      case Verb::restore: write_start("restore", kRestoreFlags); break;
      case Verb::other: words_.emplace_back(choices_.one_of(kOtherVerbs)); write_anything();
    }
    if (asks_for_help_) meaning_.verb = Verb::other;
  }

  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
  [[nodiscard]] const CommandLine& meaning() const { return meaning_; }

 private:
  template <typename Flags>
  void write_start(std::string_view verb, const Flags& flags) {
    words_.emplace_back(verb);
    write_flags(flags, true);
    const bool ended = choices_.below(4) == 1;
    if (ended) words_.emplace_back("--");
    meaning_.container_id = ended ? choices_.one_of(kValues) : choices_.one_of(kPlainWords);
    words_.emplace_back(meaning_.container_id);
    // crun reads nothing behind the id, and runc flags only.
    if (crun_ || ended) return write_anything();
    if (choices_.yes()) words_.emplace_back(choices_.one_of(kPlainWords));
    write_flags(flags, true);
    if (!choices_.yes()) return;
    words_.emplace_back("--");
    write_anything();
  }

  void write_anything() {
    for (auto count = choices_.below(4); count > 0; --count) words_.emplace_back(choices_.one_of(kValues));
  }

  template <typename Flags>
  void write_flags(const Flags& flags, bool behind_verb) {
    for (auto count = choices_.below(5); count > 0; --count) {
      switch (choices_.below(16)) {
        case 0: write_unknown(); break;
        case 1:
          words_.emplace_back("--help");
          asks_for_help_ = true;
          break;
        case 2:
          if (behind_verb && crun_ && meaning_.verb != Verb::restore) write_flag(kCrunConfig);
          break;
        // urfave/cli 3 knows the global flags everywhere.
        case 3: write_flag(crun_ ? choices_.one_of(flags) : choices_.one_of(kGlobalFlags)); break;
        default: write_flag(choices_.one_of(flags));
      }
    }
  }

  // Takes a word that is neither flag nor verb for its value.
  void write_unknown() {
    words_.emplace_back(choices_.yes() ? "--nonesuch" : "--newer=value");
    if (words_.back() == "--nonesuch") words_.emplace_back("unknown-value");
  }

  void write_flag(const Flag& flag) {
    std::string dashed = (!crun_ && choices_.yes() ? "-" : "--") + std::string(flag.name);
    if (flag.name == "bundle" && crun_) dashed.resize(dashed.size() - choices_.below(6));
    if (flag.letter != '\0' && choices_.yes()) dashed = {'-', flag.letter};
    const bool is_letter = dashed.size() == 2;
    if (!flag.takes_value) {
      words_.push_back(std::move(dashed));
      return;
    }
    const std::string_view value = choices_.one_of(kValues);
    const bool separate = choices_.yes() || (crun_ && is_letter && value.empty());
    if (separate) {
      words_.push_back(std::move(dashed));
      words_.emplace_back(value);
    } else if (crun_ && is_letter) {
      const bool clustered = flag.letter == 'b' && meaning_.verb == Verb::run && choices_.yes();
      words_.push_back((clustered ? "-db" : dashed) + std::string(value));
    } else {
      words_.push_back(dashed + "=" + std::string(value));
    }
    mean(flag.name, value);
  }

  void mean(std::string_view flag, std::string_view value) {
    if (flag == "bundle") meaning_.bundle = value.empty() ? "." : value;
    if (flag == "config") meaning_.config_file.reset();
    if (flag == "config" && value != "config.json") meaning_.config_file = value;
    if (flag == "log-format") meaning_.log_format = value == "json" ? LogFormat::json : LogFormat::text;
    if (flag != "log") return;
    meaning_.log = value;
    meaning_.log_in_bundle = crun_;
    if (!crun_) return;
    // crun(1), --log: BACKEND:DESTINATION, and a file where there is no backend.
    const auto colon = value.find(':');
    if (colon == std::string_view::npos) return;
    meaning_.log = value.substr(0, colon) == "file" ? value.substr(colon + 1) : "";
  }

  Choices& choices_;
  bool crun_;
  bool asks_for_help_ = false;
  std::vector<std::string> words_;
  CommandLine meaning_;
};

void check_known(std::string_view bytes) {
  Choices choices(bytes);
  const auto dialect = choices.yes() ? Dialect::crun : Dialect::runc;
  Writer writer(choices, dialect);
  writer.write();
  const CommandLine line = read(writer.words(), dialect);
  const CommandLine& meaning = writer.meaning();
  std::string text = dialect == Dialect::crun ? "crun" : "runc";
  for (const std::string& word : writer.words()) text += " '" + word + "'";
  require(line.verb == meaning.verb, "the verb of " + text);
  require(line.bundle == meaning.bundle, "the bundle of " + text);
  require(line.config_file == meaning.config_file, "the configuration of " + text);
  require(line.container_id == meaning.container_id, "the id of " + text);
  require(line.log == meaning.log, "the log of " + text);
  require(line.log_in_bundle == meaning.log_in_bundle, "where the log is of " + text);
  require(line.log_format == meaning.log_format, "the log's format of " + text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = runi::as_text(data, size);
  check_any(input);
  check_known(input);
  return 0;
}
