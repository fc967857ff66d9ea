#include "runictl/engines/edit.h"

#include "runictl/engines/judge.h"

#include <algorithm>

namespace runi {
namespace {

// What needs no quotes in any engine's file, and ends no comment.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

}  // namespace

std::string Refusal::line() const {
  return (where.empty() ? "" : where + ": ") + cause + (remedy.empty() ? "" : "; " + remedy);
}

std::optional<Refusal> refusal_of(const HandlerWanted& wanted) {
  if (wanted.name.empty() || !std::all_of(wanted.name.begin(), wanted.name.end(), is_plain)) {
    return Refusal{"", "handler " + quoted(wanted.name) + ": not a name of a handler",
                   "use letters, digits, dashes, dots"};
  }
  const bool printable = std::all_of(wanted.program.begin(), wanted.program.end(),
                                     [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (!wanted.program.starts_with('/') || !printable) {
    return Refusal{"", "program " + quoted(wanted.program) + ": not an absolute path in ASCII",
                   "name the program from / on"};
  }
  return std::nullopt;
}

Refusal invalid_file(const std::string& where, const std::string& kind, const std::string& why) {
  return {where, "not valid " + kind + ": " + why, "correct the file; its engine cannot read it either"};
}

}  // namespace runi
