#include "runictl/host/candidate.h"

#include "core/path.h"
#include "runictl/engines/containerd_tables.h"
#include "runictl/engines/crio.h"
#include "runictl/engines/drop_in.h"
#include "runictl/engines/effective.h"
#include "runictl/host/run.h"
#include "runictl/installer/engine_edit.h"
#include "runictl/machine/engine_files.h"
#include "runictl/machine/programs.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

namespace runi {
namespace {

constexpr int kPatienceSeconds = 30;
constexpr std::string_view kDirectory = "/var/lib/runi/candidate";

std::string beside_main(const EngineFacts& engine) {
  return engine.containerd.main.path + ".runi-candidate";
}

// Files that are there as long as this is.
class Laid {
 public:
  explicit Laid(const HostFiles& files) : files_(files) {}
  Laid(const Laid&) = delete;
  Laid& operator=(const Laid&) = delete;
  ~Laid() {
    for (auto path = paths_.rbegin(); path != paths_.rend(); ++path) (void)files_.put(*path, {});
  }

  Result<void> add(const std::string& path, const std::string& text) {
    if (paths_.empty()) paths_.emplace_back(kDirectory);
    if (auto made = files_.make_directories(std::string(kDirectory)); !made) return made;
    paths_.push_back(path);
    return files_.put(path, State::file(text, 0600));
  }

 private:
  const HostFiles& files_;
  std::vector<std::string> paths_;
};

Error unexpected(const ConfigFile& candidate, const EngineFacts& engine,
                 const std::vector<std::string>& paths) {
  return Error{candidate.path + ": as " + engine.program + " reads it this would change " + paths.front() +
               (paths.size() > 1 ? " and " + std::to_string(paths.size() - 1) + " more" : "") +
               ", which is not the handler's; nothing is changed; add the handler by hand"};
}

// Whether a dump has it as the default, which then may be taken back.
bool is_default_of(const std::string& dump, std::string_view handler) {
  const TomlValue root = parse_toml({"before", dump}).root;
  constexpr std::array<std::string_view, 2> kKeys = {"containerd", kDefaultName};
  return std::any_of(std::begin(kCriPlugins), std::end(kCriPlugins), [&](std::string_view plugin) {
    const TomlValue* chosen = descend(cri_table(root, plugin), kKeys);
    return chosen != nullptr && chosen->text == handler;
  });
}

class Containerd {
 public:
  Containerd(const Machine& machine, const HostFiles& files, const EngineFacts& engine)
      : machine_(machine), laid_(files), engine_(engine), setup_(engine.containerd) {}

  Result<void> judge(const HandlerWanted& handler, const ConfigFile& candidate) {
    auto before = setup_.main_exists ? dump(setup_.main.path) : Result<std::string>(setup_.main.text);
    if (!before) return before.error();
    const auto main = lay(candidate);
    if (!main) return main.error();
    auto after = dump(*main);
    if (!after) return after.error();
    auto change = change_of_containerd({"before", *before}, {"after", *after}, handler.name, files_);
    if (!change) return change.error();
    if (handler.is_default || is_default_of(*before, handler.name)) {
      std::erase_if(change->others,
                    [](const std::string& path) { return path.ends_with("." + std::string(kDefaultName)); });
    }
    if (!change->others.empty()) return unexpected(candidate, engine_, change->others);
    const std::string table = ".runtimes." + toml_key(handler.name) + "]";
    if (change->ours.empty() && before->find(table) == std::string::npos) {
      return Error{candidate.path + ": " + engine_.program +
                   " does not see the handler in it; add it by hand"};
    }
    return {};
  }

 private:
  [[nodiscard]] Result<std::string> dump(const std::string& main) const {
    return output_of(machine_, {engine_.program, "--config", main, "config", "dump"}, kPatienceSeconds);
  }

  // Returns the main file of the configuration with the candidate.
  Result<std::string> lay(const ConfigFile& candidate) {
    files_ = {setup_.main.path};
    if (candidate.path == setup_.main.path) {
      std::string path = beside_main(engine_);
      files_.push_back(path);
      if (auto laid = laid_.add(path, candidate.text); !laid) return laid.error();
      return path;
    }
    // Read after the others, as it will be, or over the one that it replaces: files are read in the order in
    // which they are imported, and what those import after all of them.
    const std::string copy = joined(kDirectory, "handler.toml");
    const std::string last = joined(kDirectory, "last.toml");
    std::string wrapper = joined(kDirectory, "config.toml");
    std::vector<std::string> imports = {setup_.main.path};
    if (!setup_.main_exists) {
      imports.clear();
      for (const ConfigFile& file : setup_.imported) imports.push_back(file.path);
    }
    imports.push_back(last);
    for (const std::string& path : imports) files_.push_back(path);
    files_.push_back(copy);
    files_.push_back(wrapper);
    const std::int64_t version = version_in(parse_toml(setup_.main).root);
    std::string text = version > 0 ? "version = " + std::to_string(version) + "\n" : "";
    const std::string importing_copy = text + "imports = [" + toml_string(copy) + "]\n";
    if (auto laid = laid_.add(last, importing_copy); !laid) return laid.error();
    for (const std::string& path : imports) {
      text += (&path == imports.data() ? "imports = [" : ", ") + toml_string(path);
    }
    if (auto laid = laid_.add(copy, candidate.text); !laid) return laid.error();
    if (auto laid = laid_.add(wrapper, text + "]\n"); !laid) return laid.error();
    return wrapper;
  }

  const Machine& machine_;
  Laid laid_;
  const EngineFacts& engine_;
  const ContainerdSetup& setup_;
  std::vector<std::string> files_;  // whose names in the imports do not count
};

// The files as they would be.
std::vector<ConfigFile> with_candidate(const EngineFacts& engine, const ConfigFile& candidate) {
  std::vector<ConfigFile> files = engine.files;
  const auto same = [&](const ConfigFile& file) { return file.path == candidate.path; };
  if (const auto there = std::find_if(files.begin(), files.end(), same); there != files.end()) {
    there->text = candidate.text;
  } else {
    const auto after = [&](const ConfigFile& file) {
      return directory_of(file.path) == directory_of(candidate.path) && file.path > candidate.path;
    };
    files.insert(std::find_if(files.begin(), files.end(), after), candidate);
  }
  return files;
}

// CRI-O's parser does not see what keeps CRI-O from starting; `runictl check` does.
Result<void> judge_crio_files(const Machine& machine, const std::vector<ConfigFile>& files,
                              const HandlerWanted& handler) {
  CrioFacts facts;
  facts.files = find_files_of_crio(machine, files_of_crio(files));
  Programs programs;
  for (const std::string& program : programs_of_crio(files)) programs.emplace(program, Program::another);
  programs.insert_or_assign(handler.program, Program::runi);
  for (const Finding& finding : judge_crio(files, programs, facts).findings) {
    if (finding.severity != Severity::problem) continue;
    return Error{finding.where + ": " + finding.what + "; " + finding.action};
  }
  return {};
}

Result<void> judge_crio_candidate(const Machine& machine, const HostFiles& host, const EngineFacts& engine,
                                  const HandlerWanted& handler, const ConfigFile& candidate) {
  const std::vector<ConfigFile> files = with_candidate(engine, candidate);
  if (auto judged = judge_crio_files(machine, files, handler); !judged) return judged;
  Laid laid(host);
  for (const ConfigFile& file : files) {
    if (file.path == engine.kind->config) continue;
    if (auto done = laid.add(joined(kDirectory, base_name(file.path)), file.text); !done) return done;
  }
  const auto after = output_of(machine, {engine.program, "--config-dir", std::string(kDirectory), "config"},
                               kPatienceSeconds);
  if (!after) return after.error();
  const std::array<std::string_view, 4> table = {"crio", "runtime", "runtimes", handler.name};
  auto change = change_of_table(engine.effective, {"crio config", read_crio_config(*after)}, table);
  if (!change) return change.error();
  constexpr std::array<std::string_view, 3> kDefault = {"crio", "runtime", "default_runtime"};
  const TomlValue before = parse_toml(engine.effective).root;
  const TomlValue* chosen = descend(&before, kDefault);
  if (handler.is_default || (chosen != nullptr && chosen->text == handler.name)) {
    std::erase(change->others, "crio.runtime.default_runtime");
  }
  if (!change->others.empty()) return unexpected(candidate, engine, change->others);
  return {};
}

Result<void> judge_docker_candidate(const Machine& machine, const HostFiles& host, const EngineFacts& engine,
                                    const ConfigFile& candidate) {
  if (engine.program.empty()) return {};
  Laid laid(host);
  const std::string path = joined(kDirectory, "daemon.json");
  if (auto done = laid.add(path, candidate.text); !done) return done;
  const auto ran = run_in(machine, {engine.program, "--validate", "--config-file", path}, kPatienceSeconds);
  if (!ran) return ran.error();
  const bool is_old = ran->message.find("unknown flag") != std::string::npos;  // Docker before 23
  if (ran->status == 0 || is_old) return {};
  return Error{candidate.path + ": " + engine.program + " --validate: " + ran->last_line};
}

}  // namespace

Result<void> judge_candidate(const Machine& machine, const HostFiles& files, const EngineFacts& engine,
                             const HandlerWanted& handler, const ConfigFile& candidate) {
  switch (engine.kind->type) {
    case EngineType::containerd: return Containerd(machine, files, engine).judge(handler, candidate);
    case EngineType::crio: return judge_crio_candidate(machine, files, engine, handler, candidate);
    case EngineType::docker: return judge_docker_candidate(machine, files, engine, candidate);
    case EngineType::podman: return {};
  }
  return {};
}

void sweep_candidates(const HostFiles& files, const EngineFacts& engine) {
  if (engine.kind->type == EngineType::containerd) (void)files.put(beside_main(engine), {});
  for (const std::string_view name : {"handler.toml", "last.toml", "config.toml", "daemon.json"}) {
    (void)files.put(joined(kDirectory, name), {});
  }
  (void)files.put(std::string(kDirectory), {});
}

}  // namespace runi
