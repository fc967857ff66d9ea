#include "runictl/engines/docker.h"

#include "core/json.h"

#include <algorithm>
#include <set>

namespace runi {
namespace {

using std::string_view;

std::string place_of(const ConfigFile& file, const json::Value& value) {
  const auto lines =
      std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(value.begin), '\n');
  return file.path + ":" + std::to_string(lines + 1);
}

const json::Value* member(const json::Value* object, string_view key) {
  const json::Value* found = nullptr;
  if (object == nullptr || object->kind != json::Kind::object) return nullptr;
  for (const json::Value& value : object->children()) {
    if (value.key == key) found = &value;  // Go's encoding/json takes the last
  }
  return found;
}

std::optional<std::string> text_of(const json::Value* value) {
  if (value == nullptr || value->kind != json::Kind::string) return std::nullopt;
  return std::string(value->text);
}

// Where a runtime names its program; a null value where it does not.
struct ProgramKey {
  string_view name;
  const json::Value* value;
};

ProgramKey program_key_of(const json::Value& runtime) {
  if (const json::Value* path = member(&runtime, "path")) return {"path", path};
  return {"options.BinaryName", member(member(&runtime, "options"), "BinaryName")};
}

std::vector<const json::Value*> runtimes_in(const json::Value& root) {
  std::vector<const json::Value*> found;
  const json::Value* runtimes = member(&root, "runtimes");
  if (runtimes == nullptr || runtimes->kind != json::Kind::object) return found;
  for (const json::Value& runtime : runtimes->children()) found.push_back(&runtime);
  return found;
}

void judge_runtime(Judge& judge, const ConfigFile& file, const json::Value& runtime) {
  const ProgramKey key = program_key_of(runtime);
  const std::string handler(runtime.key);
  const auto path = text_of(key.value);
  if (!judge.concerns_runi(handler, path)) return;
  const std::size_t before = judge.count();
  const std::string subject = "runtime " + quoted(handler);
  const std::string where = place_of(file, key.value == nullptr ? runtime : *key.value);
  if (!path) {
    judge.problem(subject + ": names no program", where, "set \"path\" to the path of runi");
    return;
  }
  if (judge.judge_program(subject, std::string(key.name), *path, where)) {
    judge.approve(subject, before, *path, where);
  }
}

}  // namespace

std::vector<std::string> programs_of_docker(const ConfigFile& file) {
  std::vector<std::string> programs;
  auto document = json::Document::parse(file.text, json::Comments::refused);
  if (!document) return programs;
  for (const json::Value* runtime : runtimes_in(document->root())) {
    if (auto path = text_of(program_key_of(*runtime).value)) programs.push_back(std::move(*path));
  }
  return programs;
}

Judgement judge_docker(const ConfigFile& file, const Programs& programs) {
  Judge judge("docker", programs);
  auto document = json::Document::parse(file.text, json::Comments::refused);
  if (!document) {
    judge.problem_of_file("not valid JSON: " + document.error().what, file.path);
    return judge.take();
  }
  std::set<std::string> names;
  for (const json::Value* runtime : runtimes_in(document->root())) {
    judge_runtime(judge, file, *runtime);
    names.emplace(runtime->key);
  }
  const json::Value* chosen = member(&document->root(), "default-runtime");
  const std::string name = text_of(chosen).value_or("");
  if (sounds_like_runi(name) && !names.contains(name)) {
    judge.problem("default-runtime is " + quoted(name) + ", but runtimes has no such entry",
                  place_of(file, *chosen), "add it to runtimes, with the path of runi");
  }
  return judge.take();
}

}  // namespace runi
