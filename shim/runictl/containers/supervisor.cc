#include "runictl/containers/supervisor.h"

#include "core/command_line.h"
#include "runictl/containers/proc_files.h"

#include <algorithm>
#include <iterator>

namespace runi {
namespace {

using std::string_view;

constexpr string_view kRuntimes[] = {"runc", "crun", "runi", "youki"};

// The value of a flag among words: "-c X", "--c X" or "--c=X".
string_view find_flag(const std::vector<std::string>& words, string_view name) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    string_view word = words[i];
    if (word == "--") break;
    if (!word.starts_with('-')) continue;
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    if (word == name && i + 1 < words.size()) return words[i + 1];
    if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) {
      return word.substr(name.size() + 1);
    }
  }
  return {};
}

// The engine that is the client of a containerd, by the namespace that it keeps its containers in.
string_view engine_of_namespace(string_view name) {
  if (name == "moby") return "docker";
  if (name == "buildkit") return "buildkit";
  return "containerd";
}

Supervisor read_containerd_shim(const std::vector<std::string>& words) {
  Supervisor supervisor;
  supervisor.engine = engine_of_namespace(find_flag(words, "namespace"));
  supervisor.id = find_flag(words, "id");
  supervisor.bundle_is_cwd = !supervisor.id.empty();
  // The first version of the interface has the bundle on its command line.
  if (supervisor.id.empty()) {
    supervisor.bundle = find_flag(words, "workdir");
    supervisor.id = base_of(supervisor.bundle);
  }
  return supervisor;
}

Supervisor read_conmon(const std::vector<std::string>& words) {
  Supervisor supervisor;
  supervisor.id = find_flag(words, "c");
  supervisor.name = find_flag(words, "n");
  supervisor.bundle = find_flag(words, "b");
  supervisor.engine = supervisor.name.starts_with("k8s_") ? "cri-o" : "podman";
  return supervisor;
}

}  // namespace

Supervisor read_runtime(const std::vector<std::string>& words) {
  Supervisor supervisor;
  if (words.empty()) return supervisor;
  std::vector<const char*> args;
  for (std::size_t i = 1; i < words.size(); ++i) args.push_back(words[i].c_str());
  const CommandLine command = parse_command_line(args, dialect_of(words[0]));
  if (command.container_id.empty()) return supervisor;
  supervisor.engine = base_of(words[0]);
  supervisor.id = command.container_id;
  supervisor.bundle = command.bundle;
  return supervisor;
}

bool is_runtime(string_view name) {
  return std::find(std::begin(kRuntimes), std::end(kRuntimes), name) != std::end(kRuntimes);
}

bool may_supervise(string_view name) {
  return name == "containerd-shim" || name == "conmon" || is_runtime(name);
}

Supervisor read_supervisor(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const string_view program = base_of(words[0]);
  if (program.starts_with("containerd-shim")) return read_containerd_shim(words);
  if (program == "conmon") return read_conmon(words);
  if (is_runtime(program)) return read_runtime(words);
  return {};
}

}  // namespace runi
