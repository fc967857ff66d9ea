// The configuration: whatever the bytes, there is a configuration or an error, and a runtime or none.
#include "config.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = runi::parse_config(text);
  if (!config && config.error().what.empty()) std::abort();
  if (config && !config->runtime.empty() && config->runtime.front() != '/') std::abort();
  const std::string salvaged = runi::salvage_runtime(text);
  if (!salvaged.empty() && salvaged.front() != '/') std::abort();
  return 0;
}
