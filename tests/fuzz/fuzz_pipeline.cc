// The whole pure way of a start: command line, configuration and config.json, set apart by zero bytes, to an
// edited file; and once more, which must change nothing.
#include "../edit_properties.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

std::string_view take_until_zero(std::string_view& rest) {
  const auto end = std::min(rest.find('\0'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

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

// What the runtime will read of the edited file is what was decided.
void check_edited(const runi::Spec& before, const runi::Spec& after, const runi::Injection& injection) {
  const std::size_t added = injection.arguments.size();
  if (after.args.size() != before.args.size() + added) fail("arguments lost or made up");
  for (std::size_t i = 0; i < after.args.size(); ++i) {
    const std::string_view expected =
        i < added ? std::string_view(injection.arguments[i]) : before.args[i - added];
    if (after.args[i] != expected) fail("an argument changed");
  }
  if (injection.arguments.front() != injection.target || injection.arguments.back() != "--") {
    fail("the init is called otherwise than by its place, or takes the application's words for its own");
  }
  if (after.mounts.size() != before.mounts.size() + 1) fail("mounts lost or made up");
  for (std::size_t i = 0; i < before.mounts.size(); ++i) {
    if (after.mounts[i].destination != before.mounts[i].destination) fail("a mount changed");
  }
  if (after.mounts.back().destination != injection.target || after.mounts.back().tmpfs) {
    fail("the init's mount is wrong");
  }
  if (after.annotation(runi::kInjectedAnnotation) != runi::kTestVersion) fail("the annotation is missing");
  for (const runi::Annotation& annotation : before.annotations) {
    if (annotation.key != runi::kInjectedAnnotation && after.annotation(annotation.key) != annotation.value) {
      fail("an annotation changed");
    }
  }
  if (after.root_path != before.root_path || after.pid_namespace != before.pid_namespace ||
      after.user_namespace != before.user_namespace || after.masked_paths != before.masked_paths) {
    fail("something else changed");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty()) return 0;
  const auto bits = static_cast<unsigned char>(rest.front());
  rest.remove_prefix(1);
  std::string line(take_until_zero(rest));
  const std::string_view configuration = take_until_zero(rest);
  const std::string_view bytes = rest;

  std::vector<const char*> words;
  std::size_t at = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] != '\n') continue;
    if (i < line.size()) line[i] = '\0';
    words.push_back(line.c_str() + at);
    at = i + 1;
  }
  const auto dialect = (bits & 128U) != 0 ? runi::Dialect::crun : runi::Dialect::runc;
  const runi::CommandLine command = runi::parse_command_line(words, dialect);
  const auto config = runi::parse_config(configuration);
  if (!config) return 0;  // no start
  const auto before = runi::parse_spec(bytes);
  if (!before) return 0;

  const runi::Rootfs rootfs = rootfs_from(bits);
  const runi::Plan plan = runi::decide(command, *config, *before, rootfs);
  if (plan.injection.has_value() != (plan.reason == runi::Reason::inject)) fail("a reason without its plan");
  if (plan.detail.empty()) fail("a decision without evidence");
  if (runi::name_of(plan.reason) == "unknown") fail("a reason without a name");
  const runi::Plan again = runi::decide(command, *config, *before, rootfs);
  if (again.reason != plan.reason || again.detail != plan.detail) fail("decided differently the second time");
  if (!plan.injection) return 0;
  if (command.verb == runi::Verb::other) fail("injected into what is no start");

  const std::string edited =
      runi::inject(bytes, *before, *plan.injection, runi::kTestInitPath, runi::kTestVersion);
  const auto after = runi::parse_spec(edited);
  if (!after) fail("the edited file cannot be read");
  check_edited(*before, *after, *plan.injection);
  const runi::Plan second = runi::decide(command, *config, *after, rootfs);
  if (second.reason != runi::Reason::has_init) {
    std::fprintf(stderr, "%s: %s\n", std::string(runi::name_of(second.reason)).c_str(),
                 second.detail.c_str());
    fail("a second pass does not see the init");
  }
  return 0;
}
