#include "options.h"

#include "text.h"

namespace runi {

Options parse_options(const char* const* args) {
  Options options;
  if (*args != nullptr) ++args;

  for (; *args != nullptr && (*args)[0] == '-' && (*args)[1] != '\0'; ++args) {
    const char* const word = *args + 1;
    if (equal(word, "-")) {
      ++args;
      break;
    }
    if (equal(word, "-help")) return {.request = Request::help};
    if (equal(word, "-version")) return {.request = Request::version};
    for (const char* letter = word; *letter != '\0'; ++letter) {
      switch (*letter) {
        case 'g': options.forward_to_group = true; break;
        case 's': options.subreaper = true; break;
        case 'v': break;  // tini's verbosity: there is nothing more to tell
        case 'h': return {.request = Request::help};
        default: return {.request = Request::refuse, .complaint = "unknown option", .wrong = *args};
      }
    }
  }

  if (*args == nullptr) {
    return {.request = Request::refuse, .complaint = "no command to run; see runi-init --help"};
  }
  options.command = args;
  return options;
}

}  // namespace runi
