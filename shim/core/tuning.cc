#include "core/tuning.h"

#include "init/signals.h"

#include <algorithm>

namespace runi {
namespace {

// Nothing sensible is longer, but zeros in front of a number could be.
constexpr std::size_t kLongestWord = 32;

// The number from 0 to `most` that text writes, with digits alone; -1 where it is anything else.
int whole_number(std::string_view text, int most) {
  if (text.size() > kLongestWord) return -1;
  const std::string digits(text);
  const char* at = digits.c_str();
  const int number = read_number(at, most);
  return at == digits.c_str() + digits.size() ? number : -1;
}

// The FROM of a FROM:TO that the init takes; 0 where text is not one.
int rewritten_signal(const std::string& text) {
  if (text.find('\0') != std::string::npos) return 0;
  const char* at = text.c_str();
  const int from = read_signal(at);
  return from > 0 && read_rewriting(from, at) >= 0 ? from : 0;
}

// The signal that all of text names; 0 where it names none.
int whole_signal(const std::string& text) {
  const char* at = text.c_str();
  const int signal = read_signal(at);
  return signal > 0 && at == text.c_str() + text.size() ? signal : 0;
}

}  // namespace

bool add_rewriting(std::string_view text, std::vector<std::string>& signals) {
  if (text.size() > kLongestWord) return false;
  std::string word(text);
  const int from = rewritten_signal(word);
  if (from == 0) return false;
  if (std::any_of(signals.begin(), signals.end(),
                  [from](const std::string& other) { return rewritten_signal(other) == from; })) {
    return false;
  }
  signals.push_back(std::move(word));
  return true;
}

bool add_exit(std::string_view text, std::vector<int>& exits) {
  const int code = whole_number(text, 255);
  if (code < 0 || std::find(exits.begin(), exits.end(), code) != exits.end()) return false;
  exits.push_back(code);
  return true;
}

bool add_stop_signal(std::string_view text, std::vector<std::string>& signals) {
  if (text.size() > kLongestWord) return false;
  std::string word(text);
  const int signal = whole_signal(word);
  if (signal == 0) return false;
  if (std::any_of(signals.begin(), signals.end(),
                  [signal](const std::string& other) { return whole_signal(other) == signal; })) {
    return false;
  }
  signals.push_back(std::move(word));
  return true;
}

bool read_grace(std::string_view text, std::optional<int>& grace_s) {
  static_assert(kMostGraceSeconds == 86'400, "kGraceForm says so");
  const int number = whole_number(text, kMostGraceSeconds);
  if (number < 0) return false;
  grace_s = number;
  return true;
}

std::vector<std::string> options_for(const Tuning& tuning) {
  std::vector<std::string> words;
  const auto add = [&words](const char* option, const std::string& value) {
    words.emplace_back(option);
    words.push_back(value);
  };
  if (tuning.stop_signals) {
    std::string list;
    for (const std::string& signal : *tuning.stop_signals) list += (list.empty() ? "" : ",") + signal;
    add("-S", list);
  }
  if (tuning.forward == Forward::group) words.emplace_back("-g");
  for (const std::string& rewriting : tuning.signals) add("-r", rewriting);
  for (const int code : tuning.expected_exits) add("-e", std::to_string(code));
  if (tuning.grace_s) add("-t", std::to_string(*tuning.grace_s));
  return words;
}

}  // namespace runi
