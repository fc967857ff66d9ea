#include "runictl/installer/engine_edit.h"

#include "core/path.h"
#include "runictl/engines/docker_edit.h"
#include "runictl/engines/drop_in.h"
#include "runictl/engines/judge.h"

#include <array>

namespace runi {
namespace {

// What podman's runtime_supports_json is where no file sets it, in one version or another.
constexpr std::string_view kJsonRuntimes[] = {"crun", "runc", "kata", "runsc", "youki", "krun"};

}  // namespace

Edit add_handler(const EngineFacts& engine, const HandlerWanted& wanted) {
  switch (engine.kind->type) {
    case EngineType::containerd: return add_to_containerd(engine.containerd, wanted);
    case EngineType::crio: return add_to_crio(engine.files, engine.effective, wanted);
    case EngineType::docker: {
      if (engine.files.empty()) return add_to_docker(std::nullopt, std::string(engine.kind->config), wanted);
      return add_to_docker(engine.files.front(), engine.files.front().path, wanted);
    }
    case EngineType::podman: {
      const std::vector<std::string> names(std::begin(kJsonRuntimes), std::end(kJsonRuntimes));
      return add_to_podman(engine.files, wanted, names);
    }
  }
  return Unchanged{};
}

Edit remove_handler(const EngineFacts& engine, const HandlerWanted& wanted) {
  switch (engine.kind->type) {
    case EngineType::containerd: return remove_from_containerd(files_of(engine), wanted.name);
    case EngineType::crio: return remove_drop_in(engine.files, crio_drop_in(wanted.name), wanted.name);
    case EngineType::docker: {
      if (engine.files.empty()) return Unchanged{};
      return remove_from_docker(engine.files.front(), wanted);
    }
    case EngineType::podman: return remove_drop_in(engine.files, podman_drop_in(wanted.name), wanted.name);
  }
  return Unchanged{};
}

std::vector<ConfigFile> files_of(const EngineFacts& engine) {
  if (engine.kind->type != EngineType::containerd) return engine.files;
  std::vector<ConfigFile> files;
  if (engine.containerd.main_exists) files.push_back(engine.containerd.main);
  files.insert(files.end(), engine.containerd.imported.begin(), engine.containerd.imported.end());
  return files;
}

const ConfigFile* file_at(const std::vector<ConfigFile>& files, const std::string& path) {
  for (const ConfigFile& file : files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

std::string runtime_of_default(const EngineFacts& engine, const HandlerWanted& wanted) {
  std::string runtime;
  if (engine.kind->type == EngineType::containerd) {
    runtime = runtime_of_containerd(engine.containerd, wanted);
    // Distributions of Kubernetes bring their own, which they find through the PATH that they start
    // containerd with.
    const bool brings_its_own = engine.kind->program.starts_with('/');
    if (runtime.empty() && brings_its_own) runtime = joined(directory_of(engine.program), "runc");
  } else if (engine.kind->type == EngineType::crio) {
    const TomlDocument document = parse_toml(engine.effective);
    const std::vector<Placed> root = {{&document.root, &engine.effective}};
    const std::string name = find(root, {"crio", "runtime", "default_runtime"}).text().value_or("");
    runtime = find(root, {"crio", "runtime", "runtimes", name, "runtime_path"}).text().value_or("");
    if (runtime.empty()) runtime = name;  // CRI-O looks for it in its PATH
  }
  return sounds_like_runi(base_name(runtime)) ? std::string() : runtime;
}

}  // namespace runi
