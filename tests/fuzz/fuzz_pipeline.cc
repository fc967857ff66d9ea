// The whole pure way of a start: what is known of the root directory as a byte of bits, then command line (a
// word a line), configuration and config.json, set apart by zero bytes, to an edited file.
#include "../edit_properties.h"
#include "input.h"

namespace {

runi::Rootfs rootfs_from(unsigned char bits) {
  runi::Rootfs rootfs;
  rootfs.known = (bits & 1U) != 0;
  rootfs.writable = (bits & 2U) != 0;
  rootfs.root_is_aliased = (bits & 4U) != 0;
  rootfs.dev_is_aliased = (bits & 8U) != 0;
  rootfs.run_is_aliased = (bits & 16U) != 0;
  rootfs.target_exists = (bits & 32U) != 0;
  rootfs.target_is_file = (bits & 64U) != 0;
  return rootfs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned char bits = *data;
  std::string_view rest = runi::as_text(data + 1, size - 1);
  std::string_view line = runi::take_until('\0', rest);
  const std::string_view configuration = runi::take_until('\0', rest);

  std::vector<std::string> words;
  while (!line.empty()) words.emplace_back(runi::take_until('\n', line));
  std::vector<const char*> args;
  args.reserve(words.size());
  for (const std::string& word : words) args.push_back(word.c_str());
  const auto dialect = (bits & 128U) != 0 ? runi::Dialect::crun : runi::Dialect::runc;
  const runi::CommandLine command = runi::parse_command_line(args, dialect);
  const auto config = runi::parse_config(configuration);
  if (!config) return 0;  // no start

  const runi::Rootfs rootfs = rootfs_from(bits);
  const runi::Verdict verdict = runi::judge(command, *config, rootfs, rest);
  const std::string fault = runi::find_fault(rest, verdict, command, *config, rootfs);
  runi::require(fault.empty(), fault);
  return 0;
}
