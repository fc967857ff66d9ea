// config.json: whatever the bytes, they are read as another reader does, there is a verdict, and an edit
// keeps the rules.
#include "../edit_properties.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = runi::as_text(data, size);
  for (const auto comments : {runi::json::Comments::refused, runi::json::Comments::allowed}) {
    const std::string fault = runi::find_reading_fault(bytes, comments);
    runi::require(fault.empty(), fault);
  }
  const runi::CommandLine command{runi::Verb::create,   ".", std::nullopt, "id", "", false,
                                  runi::LogFormat::text};
  runi::Config config;
  config.shared_pid = runi::SharedPid::subreaper;
  runi::Rootfs rootfs;
  rootfs.known = rootfs.writable = true;
  const runi::Verdict verdict = runi::judge(command, config, rootfs, bytes);
  const std::string fault = runi::find_fault(bytes, verdict, command, config, rootfs);
  runi::require(fault.empty(), fault);
  return 0;
}
