#include "runictl/machine/engine_files.h"

#include "core/path.h"
#include "runictl/machine/programs.h"
#include "system/files.h"
#include "system/programs.h"
#include "system/settings.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <cstdlib>
#include <set>
#include <utility>

namespace runi {
namespace {

constexpr std::size_t kMaxImports = 256;

// XDG_CONFIG_HOME, or what it stands for by default; empty where there is none. Source: XDG Base Directory
// Specification.
std::string own_configuration() {
  const char* configured = std::getenv("XDG_CONFIG_HOME");
  if (configured != nullptr && *configured == '/') return configured;
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? joined(home, ".config") : std::string();
}

class Reader {
 public:
  explicit Reader(const Machine& machine) : machine_(machine) {}

  EngineFiles read() {
    read_containerds();
    read_crio();
    read_podman();
    std::vector<std::string> docker = {"/etc/docker"};
    if (const std::string own = own_configuration(); machine_.is_this() && !own.empty()) {
      docker.push_back(joined(own, "docker"));
    }
    for (const std::string& directory : docker) {
      read_one("docker", joined(directory, "daemon.json"), found_.docker);
    }
    return std::move(found_);
  }

  EngineFiles read(const EngineKind& kind, const std::string& main, const std::string& fallback) {
    switch (kind.type) {
      case EngineType::containerd: {
        std::vector<ConfigFile> files = read_with_imports(main, fallback);
        if (!kind.drop_ins.empty()) {
          for (const std::string& path : expand(joined(kind.drop_ins, "*.toml"))) {
            read_one("containerd", path, files);
          }
        }
        found_.containerds.push_back({std::move(files), std::nullopt});
        break;
      }
      case EngineType::crio: read_crio(); break;
      case EngineType::docker: read_one("docker", main, found_.docker); break;
      case EngineType::podman: read_podman(); break;
    }
    return std::move(found_);
  }

 private:
  void read_crio() { read_all("CRI-O", "/etc/crio/crio.conf", "/etc/crio/crio.conf.d/*", found_.crio); }

  void read_podman() {
    std::vector<std::string> directories = {"/usr/share/containers", "/etc/containers"};
    if (const std::string own = own_configuration(); machine_.is_this() && !own.empty()) {
      directories.push_back(joined(own, "containers"));
    }
    for (const std::string& directory : directories) {
      read_all("podman", joined(directory, "containers.conf"), joined(directory, "containers.conf.d/*.conf"),
               found_.podman);
    }
  }

  // A file that is not there is passed over, one that cannot be read is noted.
  void read_one(const std::string& engine, const std::string& path, std::vector<ConfigFile>& files) {
    auto text = machine_.read(path, kMaxConfigBytes);
    if (!text) {
      found_.unread.push_back({engine, path, text.error().what});
    } else if (*text) {
      files.push_back({path, std::move(**text)});
    }
  }

  void read_all(const std::string& engine, const std::string& main, const std::string& drop_ins,
                std::vector<ConfigFile>& files) {
    read_one(engine, main, files);
    for (const std::string& path : expand(drop_ins)) read_one(engine, path, files);
  }

  // The files that match, sorted; the pattern itself where it is none.
  [[nodiscard]] std::vector<std::string> expand(const std::string& pattern) const {
    if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
    std::vector<std::string> paths;
    const std::string directory(directory_of(pattern));
    const std::string names(base_name(pattern));
    for (const std::string& name : machine_.names_in(directory)) {
      if (fnmatch(names.c_str(), name.c_str(), FNM_PERIOD) == 0) paths.push_back(joined(directory, name));
    }
    return paths;
  }

  void read_containerds() {
    std::set<std::string> read;
    for (const EngineKind& kind : engine_kinds()) {
      if (kind.type != EngineType::containerd) continue;
      std::vector<ConfigFile> files = read_with_imports(std::string(kind.config), "");
      if (files.empty()) continue;
      for (const ConfigFile& each : files) read.insert(each.path);
      found_.containerds.push_back({std::move(files), ask_for_merging(std::string(kind.program))});
    }
    for (const std::string& path : expand(std::string(kContainerdDropIns))) {
      if (!read.contains(path)) read_one("containerd", path, found_.containerd_left_out);
    }
  }

  // The file and all it imports, each once. Where it is not there, `fallback` stands in for it unless empty.
  std::vector<ConfigFile> read_with_imports(const std::string& main, const std::string& fallback) {
    std::vector<ConfigFile> files;
    read_one("containerd", main, files);
    if (files.empty() && !fallback.empty()) files.push_back({main, fallback});
    std::set<std::string> seen = {main};
    for (std::size_t next = 0; next < files.size() && files.size() < kMaxImports; ++next) {
      const std::string directory(directory_of(files[next].path));
      for (const std::string& pattern : containerd_imports(files[next])) {
        for (const std::string& path :
             expand(pattern.starts_with('/') ? pattern : joined(directory, pattern))) {
          if (seen.insert(path).second) read_one("containerd", path, files);
        }
      }
    }
    return files;
  }

  [[nodiscard]] std::optional<Merging> ask_for_merging(const std::string& program) const {
    if (!machine_.is_this()) return std::nullopt;
    for (const std::string& path : program_candidates(program)) {
      auto found = machine_.find(path);
      if (!found || !*found || !is_trusted(**found)) continue;
      auto line = version_of(path);
      if (!line) continue;
      if (const auto merging = merging_of(*line)) return merging;
    }
    return std::nullopt;
  }

  const Machine& machine_;
  EngineFiles found_;
};

}  // namespace

EngineFiles read_engine_files(const Machine& machine) {
  return Reader(machine).read();
}

EngineFiles read_files_of(const Machine& machine, const EngineKind& kind, const std::string& main,
                          const std::string& fallback) {
  return Reader(machine).read(kind, main, fallback);
}

std::map<std::string, CrioFacts::File, std::less<>> find_files_of_crio(
    const Machine& machine, const std::vector<std::string>& names) {
  std::map<std::string, CrioFacts::File, std::less<>> files;
  for (const std::string& name : names) {
    for (const std::string& path : program_candidates(name)) {
      const auto found = machine.find(path);
      if (!found || !*found) continue;
      const bool is_executable = S_ISREG((*found)->mode) && ((*found)->mode & 0111) != 0;
      // A search through directories passes over what cannot be executed.
      if (!is_executable && path != name) continue;
      files[name] = {(*found)->path, is_executable};
      break;
    }
  }
  return files;
}

}  // namespace runi
