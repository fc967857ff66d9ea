#include "runictl/engines/podman.h"

#include <algorithm>
#include <set>

namespace runi {
namespace {

class Podman {
 public:
  Podman(std::span<const ConfigFile> files, const Programs& programs)
      : judge_("podman", programs), files_(judge_.parse(files)), roots_(roots_of(files_)) {}

  Judgement judge() {
    for (const auto& [name, entry] : names_in(roots_, {"engine", "runtimes"})) judge_runtime(name, entry);
    judge_chosen();
    return judge_.take();
  }

 private:
  // Podman takes the first that exists.
  [[nodiscard]] std::optional<std::string> program_of(const Placed& entry) const {
    const std::vector<std::string> paths = entry.value->words();
    if (paths.empty()) return std::nullopt;
    const auto first = std::find_if(paths.begin(), paths.end(), [this](const std::string& path) {
      return judge_.look_up(path) != Program::missing;
    });
    return first == paths.end() ? paths.front() : *first;
  }

  void judge_runtime(const std::string& name, const Placed& entry) {
    const std::optional<std::string> program = program_of(entry);
    if (!judge_.concerns_runi(name, program)) return;
    judged_.insert(name);
    const std::size_t before = judge_.count();
    const std::string subject = "runtime " + quoted(name);
    if (!program) {
      judge_.problem(subject + ": names no program", entry.where(), "set it to a list with the path of runi");
      return;
    }
    const bool usable = judge_.judge_program(subject, "path", *program, entry.where());
    const Placed json_list = find(roots_, {"engine", "runtime_supports_json"});
    if (!json_list.has_word(name)) {
      judge_.add(
          Severity::warning,
          subject + ": not in runtime_supports_json, so podman shows errors of the runtime only in part",
          (json_list ? json_list : entry).where(), "add " + quoted(name) + " to runtime_supports_json");
    }
    if (usable) judge_.approve(subject, before, *program, entry.where());
  }

  // The default, which is a name or a path.
  void judge_chosen() {
    const Placed chosen = find(roots_, {"engine", "runtime"});
    const std::string name = chosen.text().value_or("");
    if (!name.starts_with('/')) {
      if (!sounds_like_runi(name) || judged_.contains(name)) return;
      judge_.problem("runtime = " + quoted(name) + ": engine.runtimes has no such entry", chosen.where(),
                     "add " + name + " = [\"/usr/local/sbin/runi\"] to [engine.runtimes]");
      return;
    }
    if (!judge_.concerns_runi("", name)) return;
    const std::size_t before = judge_.count();
    if (judge_.judge_program("default runtime", "path", name, chosen.where())) {
      judge_.approve("default runtime", before, name, chosen.where());
    }
  }

  Judge judge_;
  std::vector<TomlFile> files_;
  std::vector<Placed> roots_;
  std::set<std::string> judged_;  // the runtimes that are to be runi
};

}  // namespace

std::vector<std::string> programs_of_podman(std::span<const ConfigFile> files) {
  const std::vector<TomlFile> parsed = parse_valid(files);
  const std::vector<Placed> roots = roots_of(parsed);
  std::vector<std::string> programs;
  for (const auto& [name, entry] : names_in(roots, {"engine", "runtimes"})) {
    for (std::string& path : entry.value->words()) programs.push_back(std::move(path));
  }
  const std::string chosen = find(roots, {"engine", "runtime"}).text().value_or("");
  if (chosen.starts_with('/')) programs.push_back(chosen);
  return programs;
}

Judgement judge_podman(std::span<const ConfigFile> files, const Programs& programs) {
  return Podman(files, programs).judge();
}

}  // namespace runi
