// config.json: whatever the bytes, there is a verdict, and an edit keeps the rules.
#include "../edit_properties.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const runi::CommandLine command{runi::Verb::create,   ".", std::nullopt, "id", "", false,
                                  runi::LogFormat::text};
  runi::Config config;
  config.shared_pid = runi::SharedPid::subreaper;
  runi::Rootfs rootfs;
  rootfs.known = rootfs.writable = true;
  const runi::Verdict verdict = runi::judge(command, config, rootfs, bytes);
  // Where the marks of an edit are there already, in whatever escapes, its traces cannot be told apart.
  if (bytes.find("runi") != std::string_view::npos || bytes.find("\\u") != std::string_view::npos) return 0;
  const std::string fault = runi::find_fault(bytes, verdict, command, config, rootfs);
  if (!fault.empty()) {
    std::fprintf(stderr, "%s\n", fault.c_str());
    std::abort();
  }
  return 0;
}
