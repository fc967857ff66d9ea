// The command line of runi-init, its words set apart by zero bytes: whatever they are, what comes of them is
// whole.
#include "options.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  text += '\0';
  std::vector<const char*> args;
  for (std::size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) {
    args.push_back(text.data() + at);
  }
  args.push_back(nullptr);

  using runi::Request;
  const runi::Options options = runi::parse_options(args.data());
  const auto is_argument = [&args](const char* const* place) {
    return place >= args.data() && place < args.data() + args.size();
  };
  if (options.request == Request::refuse && options.complaint == nullptr) std::abort();
  if (options.request == Request::run && (!is_argument(options.command) || *options.command == nullptr)) {
    std::abort();
  }
  if (options.on_parents_death > 64 || options.verbosity > 2) std::abort();
  if (options.request != Request::refuse && options.grace_s < 0) std::abort();
  for (int signal = 1; signal <= runi::SignalMap::kSignals; ++signal) {
    const int to = options.forwarded_as[signal];
    if (to < 0 || to > runi::SignalMap::kSignals) std::abort();
  }
  return 0;
}
