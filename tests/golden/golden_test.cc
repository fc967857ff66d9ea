// Every config.json of inputs/ and hostile/, and what runi makes of it, kept in expected/ for people to read.
// RUNI_UPDATE_GOLDEN=1 in the environment writes expected/ anew.
#include "../edit_properties.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace runi {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> all_inputs() {
  std::vector<fs::path> paths;
  for (const char* folder : {"inputs", "hostile"}) {
    const fs::directory_iterator entries(fs::path(RUNI_GOLDEN_DIR) / folder);
    std::transform(begin(entries), end(entries), std::back_inserter(paths),
                   [](const fs::directory_entry& entry) { return entry.path(); });
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, is_what_it_was_and_keeps_the_rules) {
  const fs::path folder = GetParam().parent_path().filename();
  const fs::path expected = fs::path(RUNI_GOLDEN_DIR) / "expected" / folder / GetParam().filename();
  const std::string original = read(GetParam());

  const CommandLine command{Verb::create, ".", std::nullopt, "id", "", false, LogFormat::json};
  Config config;
  config.runtime = "/usr/sbin/runc";
  Rootfs rootfs;
  rootfs.known = rootfs.writable = true;
  const Verdict verdict = judge(command, config, rootfs, original);
  EXPECT_EQ(find_fault(original, verdict, command, config, rootfs), "");

  std::string found = verdict.reason + "\n";
  for (const std::string& complaint : verdict.complaints) found += complaint + "\n";
  found += verdict.edited;
  if (std::getenv("RUNI_UPDATE_GOLDEN") != nullptr) {
    fs::create_directories(expected.parent_path());
    std::ofstream(expected, std::ios::binary) << found;
  }
  EXPECT_EQ(found, read(expected));
}

std::string name_of_case(const testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.parent_path().filename().string() + "_" + info.param.stem().string();
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(all_inputs()), name_of_case);

}  // namespace
}  // namespace runi
