// Annotations, a key and a value after each other and all set apart by zero bytes; the first byte says which
// keys pods may set. Whatever they are, there is a plan, what it complains of is short, plain and little, and
// the init takes what it would be called with.
#include "../edit_properties.h"
#include "core/annotations.h"
#include "init/options.h"
#include "input.h"

namespace {

using runi::require;

bool is_plain(const std::string& line) {
  return !line.empty() && line.size() < 600 &&
         std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest = runi::as_text(data + 1, size - 1);
  std::string members;
  while (!rest.empty()) {
    const std::string key = runi::json::quote(runi::take_until('\0', rest));
    const std::string value = runi::json::quote(runi::take_until('\0', rest));
    if (!members.empty()) members += ',';
    members.append(key).append(1, ':').append(value);
  }
  const std::string bytes = R"({"process":{"args":["app"]},"linux":{"namespaces":[{"type":"pid"}]},)"
                            R"("mounts":[{"destination":"/dev","type":"tmpfs"}],"annotations":{)" +
                            members + "}}";

  const runi::CommandLine command{runi::Verb::create,   ".", std::nullopt, "id", "", false,
                                  runi::LogFormat::text};
  runi::Config config;
  config.tuning = {runi::Forward::group, std::nullopt, {"TERM:QUIT"}, {143}, 10};
  config.annotations.clear();
  for (std::size_t i = 0; i < std::size(runi::kAnnotationKeys); ++i) {
    if ((data[0] >> i & 1) == 0) config.annotations.push_back(runi::kAnnotationKeys[i]);
  }
  if ((data[0] & 0x80) != 0) config.inject = runi::Inject::annotated;

  const runi::Verdict verdict = runi::judge(command, config, runi::Rootfs{}, bytes);
  require(verdict.complaints.size() <= runi::kMostComplaints, "few complaints");
  for (const std::string& complaint : verdict.complaints) require(is_plain(complaint), "plain complaints");
  const std::string fault = runi::find_fault(bytes, verdict, command, config, runi::Rootfs{});
  require(fault.empty(), fault);
  if (!verdict.injection) return 0;

  std::vector<const char*> words;
  for (const std::string& word : verdict.injection->arguments) {
    require(is_plain(word), "plain words");
    words.push_back(word.c_str());
  }
  for (const char* word : {"app", static_cast<const char*>(nullptr)}) words.push_back(word);
  const runi::Options options = runi::parse_options(words.data());
  require(options.request == runi::Request::run, "accepted by the init");
  require(options.command == words.data() + words.size() - 2, "the application is the command");
  require(options.grace_s <= runi::kMostGraceSeconds, "a bounded grace");
  return 0;
}
