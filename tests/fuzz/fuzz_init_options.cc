// The command line of runi-init. The input as words set apart by zero bytes: whatever they are, what comes of
// them is whole and within its limits, and the same again when it is written anew, in each of two ways. And
// its bytes as choices of what to ask for: that is read.
#include "init/options.h"
#include "input.h"

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

namespace {

using runi::Choices;
using runi::Options;
using runi::Request;
using runi::require;

// A signal as signal(7) writes it, or its number where it has no name.
std::string name_of(int signal) {
  const char* const name = signal < 32 ? sigabbrev_np(signal) : nullptr;
  if (name != nullptr && std::strcmp(name, "POLL") != 0) {
    return (signal % 2 == 0 ? "SIG" : "") + std::string(name);
  }
  return signal < SIGRTMIN ? std::to_string(signal) : "RTMIN+" + std::to_string(signal - SIGRTMIN);
}

enum class Way { plain, short_and_named };

// Words for what the options ask for, in the order of the fields or backwards.
std::vector<std::string> written(const Options& options, Way way) {
  const bool plain = way == Way::plain;
  const auto signal = [plain](int number) {
    return plain || number == 0 ? std::to_string(number) : name_of(number);
  };
  std::vector<std::string> words = {"runi-init"};
  const auto add = [&](const std::string& option, const std::string& value) {
    if (plain) words.push_back(option);
    words.push_back(plain ? value : option + value);
  };
  std::string letters;
  if (options.forward_to_group) letters += 'g';
  if (options.subreaper) letters += 's';
  if (!options.sandbox) letters += 'n';
  if (options.warn_of_orphans) letters += 'w';
  letters.append(options.verbosity, 'v');
  if (options.request == Request::pause) letters += 'P';
  if (plain) {
    for (const char letter : letters) words.push_back({'-', letter});
  } else if (!letters.empty()) {
    words.push_back('-' + letters);
  }
  for (int code = 0; code < 256; ++code) {
    if (options.expected.contain(code)) add("-e", std::to_string(code));
  }
  for (int from = 1; from <= runi::SignalMap::kSignals; ++from) {
    const int to = options.forwarded_as[from];
    if (to != from) add("-r", signal(from) + ":" + signal(to));
  }
  if (options.on_parents_death != 0) add("-p", signal(options.on_parents_death));
  if (options.shield) {
    std::string list;
    for (int number = 1; number <= runi::SignalMap::kSignals; ++number) {
      if ((options.stops >> (number - 1) & 1) != 0) list += (list.empty() ? "" : ",") + signal(number);
    }
    words.emplace_back("-S");  // an empty list is a word of its own
    words.push_back(list);
  }
  if (options.grace_s != runi::kNoGrace) add("-t", std::to_string(options.grace_s));
  words.emplace_back("--");
  return words;
}

bool same(const Options& left, const Options& right) {
  bool alike = left.request == right.request && left.forward_to_group == right.forward_to_group &&
               left.subreaper == right.subreaper && left.sandbox == right.sandbox &&
               left.warn_of_orphans == right.warn_of_orphans && left.verbosity == right.verbosity &&
               left.on_parents_death == right.on_parents_death && left.grace_s == right.grace_s &&
               left.shield == right.shield && left.stops == right.stops;
  for (int signal = 1; signal <= runi::SignalMap::kSignals; ++signal) {
    alike = alike && left.forwarded_as[signal] == right.forwarded_as[signal];
  }
  for (int code = 0; code < 256; ++code) {
    alike = alike && left.expected.contain(code) == right.expected.contain(code);
  }
  return alike;
}

void check_written_anew(const Options& options, Way way) {
  const std::vector<std::string> words = written(options, way);
  std::vector<const char*> args;
  args.reserve(words.size() + 2);
  for (const std::string& word : words) args.push_back(word.c_str());
  const std::size_t command = args.size();
  if (options.request == Request::run) {
    for (const char* const* word = options.command; *word != nullptr; ++word) args.push_back(*word);
  }
  args.push_back(nullptr);
  const Options again = runi::parse_options(args.data());
  std::string text;
  for (const std::string& word : words) text += word + " ";
  require(same(options, again), "the same, written anew: " + text);
  require(options.request != Request::run || again.command == args.data() + command, "the same command");
}

void check_limits(const Options& options, const std::string& text, const std::vector<const char*>& args) {
  const char* const* const end = args.data() + args.size() - 1;
  if (options.request == Request::refuse) {
    require(options.complaint != nullptr, "a complaint");
    const bool is_argument = options.wrong >= text.data() && options.wrong < text.data() + text.size();
    require(options.wrong == nullptr || is_argument, "a complaint about an argument");
  }
  if (options.request == Request::run) {
    require(options.command > args.data() && options.command < end, "a command among the arguments");
  }
  require(options.on_parents_death <= 64 && options.verbosity <= 2, "numbers within their limits");
  require(options.grace_s >= runi::kNoGrace && options.grace_s <= 99'999'999, "a bounded grace");
  for (int signal = 1; signal <= runi::SignalMap::kSignals; ++signal) {
    const int to = options.forwarded_as[signal];
    require(to >= 0 && to <= runi::SignalMap::kSignals, "signals within their limits");
    require(to == signal || (signal != SIGKILL && signal != SIGSTOP), "only signals that can be handled");
  }
}

// What the bytes choose, and a command.
void check_chosen(std::string_view bytes) {
  static constexpr const char* kCommand[] = {"-g", nullptr};
  Choices choices(bytes);
  Options options;
  options.forward_to_group = choices.yes();
  options.subreaper = choices.yes();
  options.sandbox = !choices.yes();
  options.warn_of_orphans = choices.yes();
  options.verbosity = static_cast<unsigned char>(choices.below(3));
  options.on_parents_death = static_cast<unsigned char>(choices.below(runi::SignalMap::kSignals + 1));
  static constexpr int kGraces[] = {runi::kNoGrace, 0, 1, 59, 86'400, 99'999'999};
  options.grace_s = choices.one_of(kGraces);
  options.shield = choices.yes();
  if (options.shield) {
    for (auto count = choices.below(4); count > 0; --count) {
      options.stops |= runi::Signals{1} << choices.below(runi::SignalMap::kSignals);
    }
  }
  options.command = kCommand;
  for (auto count = choices.below(4); count > 0; --count) {
    options.expected.add(static_cast<int>(choices.below(256)));
  }
  while (!choices.empty()) {
    const auto from = static_cast<int>(1 + choices.below(runi::SignalMap::kSignals));
    const auto to = static_cast<int>(choices.below(runi::SignalMap::kSignals + 1));
    if (from != SIGKILL && from != SIGSTOP) options.forwarded_as.set(from, to);
  }
  for (const auto way : {Way::plain, Way::short_and_named}) check_written_anew(options, way);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(runi::as_text(data, size));
  text += '\0';
  std::vector<const char*> args;
  for (std::size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) {
    args.push_back(text.data() + at);
  }
  args.push_back(nullptr);

  const Options options = runi::parse_options(args.data());
  check_limits(options, text, args);
  if (options.request == Request::run || options.request == Request::pause) {
    for (const auto way : {Way::plain, Way::short_and_named}) check_written_anew(options, way);
  }
  check_chosen(runi::as_text(data, size));
  return 0;
}
