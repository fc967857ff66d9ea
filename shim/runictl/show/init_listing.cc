#include "runictl/show/init_listing.h"

#include "runictl/show/listing.h"
#include "runictl/show/wording.h"

#include <utility>

namespace runi {
namespace {

std::string memory_of(const RunningInit& init) {
  const auto rss = init.container.first.rss_kib;
  return rss ? std::to_string(*rss) + " KiB" : "-";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Cells row_of(const RunningInit& init) {
  const Container& container = init.container;
  const InitCall call = read_call(container);
  return {
      {or_dash(init.title)},
      {init.application ? init.application->name : "-"},
      {or_dash(container.identity.engine)},
      {std::to_string(container.first.pid)},
      {init.application ? std::to_string(init.application->pid) : "-"},
      {container.age_s ? format_age(*container.age_s) : "-"},
      {or_dash(container.init_version)},
      {memory_of(init)},
      {kernel_reaps(container.first) ? "kernel" : "init"},
      {call.options.forward_to_group ? "group" : "child"},
      is_sandboxed(container.first) ? Cell{"yes"} : Cell{"no", Colour::yellow},
      {or_dash(joined(call.words))},
  };
}

}  // namespace

std::string list_inits(std::span<const RunningInit> inits, std::size_t width, bool colours) {
  if (inits.empty()) return "No container under runi-init.\n";
  constexpr std::size_t kEngine = 2;
  constexpr std::size_t kMemory = 7;
  constexpr std::size_t kSandbox = 10;
  Listing listing{.rows = {heading_of({"CONTAINER", "COMMAND", "ENGINE", "INIT", "APP", "AGE", "VERSION",
                                       "MEMORY", "REAPS", "SIGNALS", "SANDBOX", "OPTIONS"})},
                  .numbers = {3, 4, 5, kMemory},
                  .extras = {kEngine, kSandbox, kMemory},
                  .narrowest_text = 7};
  for (const RunningInit& init : inits) listing.rows.push_back(row_of(init));
  const std::string engine = take_engine(listing, kEngine);
  const std::string table = format_listing(std::move(listing), width, colours);
  return table + "\n" + counted(inits.size(), "container", "containers") + engine + " under runi-init.\n";
}

}  // namespace runi
