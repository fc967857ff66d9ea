// Annotations, a key and a value after each other and all set apart by zero bytes; the first byte says which
// keys pods may set. Whatever they are, there is a plan, what it complains of is short, plain and little, and
// the init takes what it would be called with.
#include "../edit_properties.h"
#include "annotations.h"
#include "options.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

bool is_plain(const std::string& line) {
  return !line.empty() && line.size() < 600 &&
         std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (text.find("injected") != std::string::npos) return 0;  // the edit's own mark
  std::string members;
  for (std::size_t at = 0; at < text.size();) {
    const auto key_end = std::min(text.find('\0', at), text.size());
    const auto value_end = std::min(text.find('\0', std::min(key_end + 1, text.size())), text.size());
    const std::string value = key_end < text.size() ? text.substr(key_end + 1, value_end - key_end - 1) : "";
    members += (members.empty() ? "" : ",") + runi::json::quote(text.substr(at, key_end - at)) + ":" +
               runi::json::quote(value);
    at = value_end + 1;
  }
  const std::string bytes = R"({"process":{"args":["app"]},"linux":{"namespaces":[{"type":"pid"}]},)"
                            R"("mounts":[{"destination":"/dev","type":"tmpfs"}],"annotations":{)" +
                            members + "}}";

  const runi::CommandLine command{runi::Verb::create,   ".", std::nullopt, "id", "", false,
                                  runi::LogFormat::text};
  runi::Config config;
  config.tuning = {runi::Forward::group, {"TERM:QUIT"}, {143}, 10};
  config.annotations.clear();
  for (std::size_t i = 0; i < std::size(runi::kAnnotationKeys); ++i) {
    if ((data[0] >> i & 1) == 0) config.annotations.push_back(runi::kAnnotationKeys[i]);
  }
  if ((data[0] & 0x80) != 0) config.inject = runi::Inject::annotated;

  const runi::Verdict verdict = runi::judge(command, config, runi::Rootfs{}, bytes);
  expect(verdict.complaints.size() <= runi::kMostComplaints, "few complaints");
  for (const std::string& complaint : verdict.complaints) expect(is_plain(complaint), "plain complaints");
  if (!verdict.injection) return 0;
  const std::string fault = runi::find_fault(bytes, verdict, command, config, runi::Rootfs{});
  expect(fault.empty(), fault.c_str());

  std::vector<const char*> words;
  for (const std::string& word : verdict.injection->arguments) {
    expect(is_plain(word), "plain words");
    words.push_back(word.c_str());
  }
  for (const char* word : {"app", static_cast<const char*>(nullptr)}) words.push_back(word);
  const runi::Options options = runi::parse_options(words.data());
  expect(options.request == runi::Request::run, "accepted by the init");
  expect(options.command == words.data() + words.size() - 2, "the application is the command");
  expect(options.grace_s <= runi::kMostGraceSeconds, "a bounded grace");
  return 0;
}
