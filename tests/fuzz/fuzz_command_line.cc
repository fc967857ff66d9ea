// Command lines, a word a line: whatever the words, there is an answer, made of nothing but them.
#include "command_line.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

bool is_within(std::string_view part, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [part](const std::string& word) {
    return part.data() >= word.data() && part.data() + part.size() <= word.data() + word.size();
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < size; ++i) {
    const char c = static_cast<char>(data[i]);
    if (c == '\n') {
      words.emplace_back();
    } else if (c != '\0') {
      words.back() += c;
    }
  }
  std::vector<const char*> args;
  args.reserve(words.size());
  for (const std::string& word : words) args.push_back(word.c_str());
  for (const auto dialect : {runi::Dialect::runc, runi::Dialect::crun}) {
    const runi::CommandLine line = runi::parse_command_line(args, dialect);
    if (line.bundle.empty()) std::abort();
    if (line.bundle != "." && !is_within(line.bundle, words)) std::abort();
    if (line.config_file && !line.config_file->empty() && !is_within(*line.config_file, words)) std::abort();
    if (!line.log.empty() && !is_within(line.log, words)) std::abort();
    if (!line.container_id.empty() && !is_within(line.container_id, words)) std::abort();
  }
  return 0;
}
