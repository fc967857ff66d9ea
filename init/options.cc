#include "options.h"

#include "signals.h"
#include "text.h"

#include <asm/signal.h>

namespace runi {
namespace {

static_assert(kLastSignal == SignalMap::kSignals && kKillSignal == SIGKILL && kStopSignal == SIGSTOP);

constexpr int kLongestGrace = 99'999'999;  // three years; read_number cannot overflow

// Takes the value of an option. Returns whether it is valid.
bool take_value(Options& options, char option, const char* value) {
  if (option == 'S') {
    options.shield = true;
    return read_signals(value, options.stops);
  }
  if (option == 'e' || option == 't') {
    const int number = read_number(value, option == 'e' ? 255 : kLongestGrace);
    if (number < 0 || *value != '\0') return false;
    if (option == 'e') options.expected.add(number);
    if (option == 't') options.grace_s = number;
    return true;
  }
  const int signal = read_signal(value);
  if (signal <= 0) return false;
  if (option == 'p') {
    options.on_parents_death = static_cast<unsigned char>(signal);
    return *value == '\0';
  }
  const int to = read_rewriting(signal, value);
  if (to < 0) return false;
  options.forwarded_as.set(signal, to);
  return true;
}

void refuse(Options& options, const char* wrong, const char* complaint) {
  options.request = Request::refuse;
  options.wrong = wrong;
  options.complaint = complaint;
}

}  // namespace

Options parse_options(const char* const* args) {
  Options options;
  if (*args != nullptr) ++args;

  for (; *args != nullptr && (*args)[0] == '-' && (*args)[1] != '\0'; ++args) {
    const char* const word = *args;
    if (equal(word, "--")) {
      ++args;
      break;
    }
    const char* letter = word + 1;
    if (equal(word, "--help")) letter = "h";
    if (equal(word, "--version")) letter = "V";
    for (; *letter != '\0'; ++letter) {
      switch (*letter) {
        case 'g': options.forward_to_group = true; continue;
        case 'n': options.sandbox = false; continue;
        case 's': options.subreaper = true; continue;
        case 'v': options.verbosity = options.verbosity == 0 ? 1 : 2; continue;
        case 'w': options.warn_of_orphans = true; continue;
        case 'P': options.request = Request::pause; continue;
        case 'V': options.request = Request::version; return options;
        case 'h': options.request = Request::help; return options;
        case 'l': options.request = Request::licence; return options;
        case 'e':
        case 'p':
        case 'r':
        case 'S':
        case 't': break;
        default: refuse(options, word, "unknown option"); return options;
      }
      const char* const value = letter[1] != '\0' ? letter + 1 : *++args;
      if (value == nullptr) {
        refuse(options, word, "no value");
        return options;
      }
      if (!take_value(options, *letter, value)) {
        refuse(options, value, "bad value");
        return options;
      }
      break;
    }
  }

  options.command = args;
  if (options.request == Request::pause) {
    if (*args != nullptr) refuse(options, *args, "takes no command");
  } else if (*args == nullptr) {
    refuse(options, nullptr, "no command");
  }
  return options;
}

}  // namespace runi
