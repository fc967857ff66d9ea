// Runs a fuzz target over the files of the folders named on the command line, without a fuzzer. With
// --choices in front of them also over random bytes, the same ones each time, for a target that takes bytes
// as choices.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kRandomInputs = 400;

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void run_random() {
  std::minstd_rand random;
  for (int i = 0; i < kRandomInputs; ++i) {
    std::string bytes(random() / 256 % 64, '\0');
    for (char& c : bytes) c = static_cast<char>(random() / 256 % 256);
    std::fprintf(stderr, "random input %d\n", i);
    run(bytes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == std::string_view("--choices")) {
      run_random();
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      std::fprintf(stderr, "%s\n", entry.path().c_str());
      run(bytes);
      ++count;
    }
  }
  std::printf("%d inputs\n", count);
  return count > 0 ? 0 : 1;
}
