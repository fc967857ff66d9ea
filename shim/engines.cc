#include "engines.h"

#include "json.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace runi {
namespace {

using std::string_view;

constexpr string_view kPodAnnotations[] = {"runi.dev/*", "*.runi.dev/*"};
constexpr string_view kShim = "io.containerd.runc.v2";

string_view base_name(string_view path) {
  const auto slash = path.rfind('/');
  return slash == string_view::npos ? path : path.substr(slash + 1);
}

bool sounds_like_runi(string_view name) {
  return name == "runi" || name.starts_with("runi-");
}

std::string quoted(string_view name) {
  return "\"" + std::string(name) + "\"";
}

// A table's nodes know their lines until they are copied, so it is shared.
struct Parsed {
  const ConfigFile* file;
  std::shared_ptr<const toml::table> table;
  const toml::node* top;  // what find() and names_in() begin at; null where the file does not have it
};

// A value and the place where it stands.
struct At {
  const toml::node* node = nullptr;
  const ConfigFile* file = nullptr;

  explicit operator bool() const { return node != nullptr; }
  [[nodiscard]] std::string where() const {
    if (file == nullptr) return {};
    const auto line = node == nullptr ? 0 : node->source().begin.line;
    return file->path + (line > 0 ? ":" + std::to_string(line) : "");
  }
  [[nodiscard]] std::optional<std::string> text() const {
    return node == nullptr ? std::nullopt : node->value<std::string>();
  }
  [[nodiscard]] bool truth() const { return node != nullptr && node->value<bool>().value_or(false); }
};

const toml::node* descend(const toml::node* node, std::span<const string_view> keys) {
  for (const string_view key : keys) {
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    node = table == nullptr ? nullptr : table->get(key);
  }
  return node;
}

// Several files as one: the last that has a key counts.
At find(std::span<const Parsed> files, const std::vector<string_view>& keys) {
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    if (const toml::node* node = descend(file->top, keys)) return {node, file->file};
  }
  return {};
}

// The names in a table, each where it stands last.
std::map<std::string, At> names_in(std::span<const Parsed> files, const std::vector<string_view>& keys) {
  std::map<std::string, At> names;
  for (const Parsed& file : files) {
    const toml::node* node = descend(file.top, keys);
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    if (table == nullptr) continue;
    for (const auto& [key, value] : *table) names[std::string(string_view(key))] = {&value, file.file};
  }
  return names;
}

bool has_word(const At& list, string_view word) {
  const toml::array* array = list.node == nullptr ? nullptr : list.node->as_array();
  if (array == nullptr) return false;
  return std::any_of(array->begin(), array->end(), [word](const toml::node& element) {
    return element.value<std::string>() == std::string(word);
  });
}

std::vector<std::string> words_of(const toml::node* node) {
  std::vector<std::string> words;
  const toml::array* array = node == nullptr ? nullptr : node->as_array();
  if (array == nullptr) return words;
  for (const toml::node& element : *array) {
    if (auto word = element.value<std::string>()) words.push_back(std::move(*word));
  }
  return words;
}

// One engine's findings in the making.
class Judge {
 public:
  Judge(std::string engine, const LookUp& look_up) : engine_(std::move(engine)), look_up_(look_up) {}

  void add(Severity severity, std::string what, std::string where, std::string action) {
    judgement_.findings.push_back({severity, engine_, std::move(what), std::move(where), std::move(action)});
  }

  void problem(std::string what, std::string where, std::string action) {
    add(Severity::problem, std::move(what), std::move(where), std::move(action));
  }

  // Files that are TOML; the others are problems of their own.
  std::vector<Parsed> parse(std::span<const ConfigFile> files) {
    std::vector<Parsed> parsed;
    for (const ConfigFile& file : files) {
      toml::parse_result result = toml::parse(file.text, string_view(file.path));
      if (result) {
        auto table = std::make_shared<const toml::table>(std::move(result).table());
        const toml::node* top = table.get();
        parsed.push_back({&file, std::move(table), top});
        continue;
      }
      const auto line = result.error().source().begin.line;
      problem("no TOML: " + std::string(result.error().description()), file.path + ":" + std::to_string(line),
              "correct the file; the engine cannot read it either");
    }
    return parsed;
  }

  [[nodiscard]] bool concerns_runi(string_view handler, const std::optional<std::string>& program) const {
    if (sounds_like_runi(handler)) return true;
    return program && (sounds_like_runi(base_name(*program)) || look_up_(*program) == Program::runi);
  }

  // The program of a handler that is to be runi. Returns whether it can be.
  bool judge_program(const std::string& handler, const std::string& key, const std::string& program,
                     const std::string& where) {
    const std::string subject = handler + ": " + key + " " + program;
    if (is_reserved_name(base_name(program))) {
      problem(subject + ": crun takes such a name for the choice of a handler of its own", where,
              "give the link another name, runi-" + std::string(base_name(program)));
      return false;
    }
    switch (look_up_(program)) {
      case Program::missing:
        problem(subject + " does not exist", where, "install runi there, or correct the path");
        return false;
      case Program::another:
        problem(subject + " is not runi, so no container gets an init", where, "name the path of runi");
        return false;
      case Program::runi: break;
    }
    judgement_.programs.push_back(program);
    if (!program.starts_with('/')) {
      add(Severity::warning, subject + " is looked for in the PATH of the engine", where,
          "name the whole path");
    }
    return true;
  }

  // To be called last for a handler: says that it is right where nothing above a note was said since
  // `before`.
  void approve(const std::string& handler, std::size_t before, const std::string& program,
               const std::string& where) {
    const auto worse = [](const Finding& finding) { return finding.severity > Severity::note; };
    const auto& findings = judgement_.findings;
    if (std::any_of(findings.begin() + static_cast<std::ptrdiff_t>(before), findings.end(), worse)) return;
    add(Severity::ok, handler + " calls " + program, where, "");
  }

  [[nodiscard]] std::size_t count() const { return judgement_.findings.size(); }
  Judgement take() { return std::move(judgement_); }

 private:
  std::string engine_;
  const LookUp& look_up_;
  Judgement judgement_;
};

// --- containerd

constexpr struct {
  std::int64_t from_version;
  string_view plugin;
} kCriPlugins[] = {{3, "io.containerd.cri.v1.runtime"}, {2, "io.containerd.grpc.v1.cri"}, {0, "cri"}};

std::int64_t version_of(const toml::table& table) {
  const toml::node* version = table.get("version");
  return version == nullptr ? 1 : version->value<std::int64_t>().value_or(1);
}

std::int64_t version_of(const Parsed& file) {
  return version_of(*file.table);
}

string_view plugin_of(std::int64_t version) {
  for (const auto& known : kCriPlugins) {
    if (version >= known.from_version) return known.plugin;
  }
  return kCriPlugins[0].plugin;
}

// The plugin's table under the name by which the file's own version knows it: so a drop-in of one version and
// a main file of another are read alike.
const toml::node* cri_table(const Parsed& file) {
  const std::array<string_view, 2> keys = {"plugins", plugin_of(version_of(file))};
  const toml::node* plugin = descend(file.table.get(), keys);
  return plugin != nullptr && plugin->is_table() ? plugin : nullptr;
}

class Containerd {
 public:
  Containerd(std::span<const ConfigFile> files, Imports imports, const LookUp& look_up)
      : judge_("containerd", look_up), files_(judge_.parse(files)) {
    for (Parsed& file : files_) file.top = cri_table(file);
    read_ = files_;
    if (imports == Imports::replace) keep_last();
    imports_ = imports;
  }

  Judgement judge() {
    for (const Parsed& file : files_) judge_place(file);
    bool any = false;
    const auto handlers = names_in(read_, {"containerd", "runtimes"});
    for (const auto& [name, at] : handlers) {
      const At program = option(name, "BinaryName");
      if (!judge_.concerns_runi(name, program.text())) continue;
      any = true;
      judge_handler(name, at, program);
    }
    if (any) judge_default(handlers);
    return judge_.take();
  }

 private:
  // containerd 1.x: a later file's table of a plugin replaces an earlier one's whole.
  void keep_last() {
    const Parsed* last = nullptr;
    for (const Parsed& file : files_) {
      if (file.top == nullptr) continue;
      if (last != nullptr) replaced_ = last->file->path;
      last = &file;
    }
    if (last == nullptr) return;
    read_.clear();
    read_.push_back(*last);
    if (replaced_.empty() || names_runi(*last) == nullptr) return;
    judge_.problem("in containerd 1.x this file replaces all that " + replaced_ + " says of the CRI plugin",
                   last->file->path,
                   "merge its entry for runi into " + replaced_ + " by hand and remove the import");
  }

  [[nodiscard]] static const toml::node* runi_below(const toml::table& table, string_view plugin) {
    const std::array<string_view, 4> keys = {"plugins", plugin, "containerd", "runtimes"};
    const toml::node* node = descend(&table, keys);
    if (node == nullptr || !node->is_table()) return nullptr;
    for (const auto& [key, value] : *node->as_table()) {
      if (sounds_like_runi(string_view(key))) return &value;
    }
    return nullptr;
  }

  [[nodiscard]] static const toml::node* names_runi(const Parsed& file) {
    return runi_below(*file.table, plugin_of(version_of(file)));
  }

  // Whether the file's runi stands where a file of its version is read, and whether such a file is taken at
  // all.
  void judge_place(const Parsed& file) {
    const std::int64_t version = version_of(file);
    const string_view read = plugin_of(version);
    for (const auto& [from_version, plugin] : kCriPlugins) {
      const toml::node* node = plugin == read ? nullptr : runi_below(*file.table, plugin);
      if (node == nullptr) continue;
      judge_.problem("a file of version " + std::to_string(version) + " has its handlers in plugins." +
                         quoted(read) + "; containerd does not read plugins." + quoted(plugin) + " here",
                     At{node, file.file}.where(), "rename the table, or correct the file's version");
    }
    const std::int64_t main_version = version_of(files_.front());
    if (version > main_version && names_runi(file) != nullptr) {
      judge_.problem("an imported file of version " + std::to_string(version) +
                         " in a configuration of version " + std::to_string(main_version) + " is not taken",
                     file.file->path, "write it in the version of " + files_.front().file->path);
    }
  }

  [[nodiscard]] At key(const std::string& handler, string_view name) const {
    return find(read_, {"containerd", "runtimes", handler, name});
  }

  [[nodiscard]] At option(const std::string& handler, string_view name) const {
    return find(read_, {"containerd", "runtimes", handler, "options", name});
  }

  void judge_handler(const std::string& name, const At& at, const At& program) {
    const std::size_t before = judge_.count();
    const std::string subject = "handler " + quoted(name);
    const std::string fix = "set options.BinaryName to the path of runi";
    bool usable = false;
    if (!program.text()) {
      judge_.problem(subject + ": no BinaryName among its options, so it calls runc", at.where(), fix);
    } else {
      usable = judge_.judge_program(subject, "BinaryName", *program.text(), program.where());
    }
    const At type = key(name, "runtime_type");
    if (type.text() != std::string(kShim)) {
      judge_.problem(subject + ": runtime_type is " + (type.text() ? quoted(*type.text()) : "missing") +
                         ", not " + quoted(kShim),
                     type ? type.where() : at.where(), "set runtime_type = " + quoted(kShim));
    }
    judge_cgroups(name, subject, at);
    const At annotations = key(name, "pod_annotations");
    for (const string_view wanted : kPodAnnotations) {
      if (has_word(annotations, wanted)) continue;
      judge_.add(Severity::warning,
                 subject + ": pod_annotations has no " + quoted(wanted) + ", so " +
                     (wanted.starts_with('*') ? "annotations for single containers" : "pods' annotations") +
                     " do not reach runi",
                 annotations ? annotations.where() : at.where(),
                 R"(set pod_annotations = ["runi.dev/*", "*.runi.dev/*"])");
    }
    if (usable) judge_.approve(subject, before, *program.text(), at.where());
  }

  void judge_cgroups(const std::string& name, const std::string& subject, const At& at) {
    const At runc = find(read_, {"containerd", "runtimes", "runc"});
    const bool theirs = option("runc", "SystemdCgroup").truth();
    const At own = option(name, "SystemdCgroup");
    if (theirs == own.truth()) return;
    const std::string value = theirs ? "true" : "false";
    if (runc) {
      judge_.problem(
          subject + ": SystemdCgroup is not what it is for runc, so pods of this handler cannot be started",
          own ? own.where() : at.where(), "set options.SystemdCgroup = " + value);
      return;
    }
    judge_.add(Severity::warning, subject + ": SystemdCgroup is true, and for runc it is not set at all",
               own.where(),
               "set it for runc too, or for neither; it must be what the kubelet's cgroupDriver is");
  }

  void judge_default(const std::map<std::string, At>& handlers) {
    const At named = find(read_, {"containerd", "default_runtime_name"});
    const std::string name = named.text().value_or("runc");
    if (imports_ == Imports::merge || handlers.contains(name)) return;
    judge_.problem("there is no handler " + quoted(name) +
                       ", the default: in containerd 1.x a list of handlers replaces the built-in one",
                   named ? named.where() : handlers.begin()->second.where(),
                   "add the handler " + quoted(name) + " too, with runtime_type = " + quoted(kShim));
  }

  Judge judge_;
  std::vector<Parsed> files_;
  std::vector<Parsed> read_;  // those that count
  std::string replaced_;
  Imports imports_ = Imports::merge;
};

// --- docker

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

void judge_docker_runtime(Judge& judge, const ConfigFile& file, const json::Value& runtime) {
  const json::Value* program = member(&runtime, "path");
  const char* key = "path";
  if (program == nullptr) {
    program = member(member(&runtime, "options"), "BinaryName");
    key = "options.BinaryName";
  }
  const std::string handler(runtime.key);
  const auto path = text_of(program);
  if (!judge.concerns_runi(handler, path)) return;
  const std::size_t before = judge.count();
  const std::string subject = "runtime " + quoted(handler);
  const std::string where = place_of(file, program == nullptr ? runtime : *program);
  if (!path) {
    judge.problem(subject + ": names no program", where, "set \"path\" to the path of runi");
    return;
  }
  if (judge.judge_program(subject, key, *path, where)) judge.approve(subject, before, *path, where);
}

}  // namespace

string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::ok: return "ok";
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::problem: return "problem";
  }
  return "unknown";
}

bool is_reserved_name(string_view program) {
  return program == "krun" || program.starts_with("crun-");
}

std::vector<std::string> containerd_imports(const ConfigFile& file) {
  const toml::parse_result result = toml::parse(file.text, string_view(file.path));
  return result ? words_of(result.table().get("imports")) : std::vector<std::string>();
}

std::int64_t containerd_version(const ConfigFile& file) {
  const toml::parse_result result = toml::parse(file.text, string_view(file.path));
  return result ? version_of(result.table()) : 1;
}

Judgement judge_containerd(std::span<const ConfigFile> files, Imports imports, const LookUp& look_up) {
  return Containerd(files, imports, look_up).judge();
}

Judgement judge_crio(std::span<const ConfigFile> files, const LookUp& look_up) {
  Judge judge("CRI-O", look_up);
  const std::vector<Parsed> parsed = judge.parse(files);
  for (const auto& [name, at] : names_in(parsed, {"crio", "runtime", "runtimes"})) {
    const At path = find(parsed, {"crio", "runtime", "runtimes", name, "runtime_path"});
    const At type = find(parsed, {"crio", "runtime", "runtimes", name, "runtime_type"});
    // Without a path CRI-O looks for a program of the handler's name.
    const std::string program = path.text().value_or("").empty() ? name : *path.text();
    if (!judge.concerns_runi(name, program)) continue;
    const std::size_t before = judge.count();
    const std::string subject = "handler " + quoted(name);
    const std::string where = path ? path.where() : at.where();
    const bool usable = judge.judge_program(subject, "runtime_path", program, where);
    const std::string kind = type.text().value_or("oci");
    if (!kind.empty() && kind != "oci") {
      judge.problem(subject + ": runtime_type is " + quoted(kind) + ", which calls no OCI runtime",
                    type.where(), "set runtime_type = \"oci\"");
    }
    if (usable) judge.approve(subject, before, program, where);
  }
  return judge.take();
}

Judgement judge_podman(std::span<const ConfigFile> files, const LookUp& look_up) {
  Judge judge("podman", look_up);
  const std::vector<Parsed> parsed = judge.parse(files);
  const At json_list = find(parsed, {"engine", "runtime_supports_json"});
  std::set<std::string> names;
  for (const auto& [name, at] : names_in(parsed, {"engine", "runtimes"})) {
    const std::vector<std::string> paths = words_of(at.node);
    // Podman takes the first that exists.
    const auto first = std::find_if(paths.begin(), paths.end(), [&look_up](const std::string& path) {
      return look_up(path) != Program::missing;
    });
    std::optional<std::string> program;
    if (!paths.empty()) program = first == paths.end() ? paths.front() : *first;
    if (!judge.concerns_runi(name, program)) continue;
    names.insert(name);
    const std::size_t before = judge.count();
    const std::string subject = "runtime " + quoted(name);
    if (!program) {
      judge.problem(subject + ": names no program", at.where(), "set it to a list with the path of runi");
      continue;
    }
    const bool usable = judge.judge_program(subject, "path", *program, at.where());
    if (!has_word(json_list, name)) {
      judge.add(
          Severity::warning,
          subject + ": not in runtime_supports_json, so podman shows errors of the runtime only in part",
          json_list ? json_list.where() : at.where(), "add " + quoted(name) + " to runtime_supports_json");
    }
    if (usable) judge.approve(subject, before, *program, at.where());
  }
  const At chosen = find(parsed, {"engine", "runtime"});
  const std::string name = chosen.text().value_or("");
  if (!name.starts_with('/') && sounds_like_runi(name) && !names.contains(name)) {
    judge.problem("runtime = " + quoted(name) + ": engine.runtimes has no such entry", chosen.where(),
                  "add " + name + " = [\"/usr/local/sbin/runi\"] to [engine.runtimes]");
  }
  if (name.starts_with('/') && judge.concerns_runi("", name)) {
    const std::size_t before = judge.count();
    if (judge.judge_program("default runtime", "path", name, chosen.where())) {
      judge.approve("default runtime", before, name, chosen.where());
    }
  }
  return judge.take();
}

Judgement judge_docker(const ConfigFile& file, const LookUp& look_up) {
  Judge judge("docker", look_up);
  auto document = json::Document::parse(file.text, json::Comments::refused);
  if (!document) {
    judge.problem("no JSON: " + document.error().what, file.path,
                  "correct the file; dockerd cannot read it either");
    return judge.take();
  }
  const json::Value* runtimes = member(&document->root(), "runtimes");
  std::set<std::string> names;
  if (runtimes != nullptr && runtimes->kind == json::Kind::object) {
    for (const json::Value& runtime : runtimes->children()) {
      judge_docker_runtime(judge, file, runtime);
      names.emplace(runtime.key);
    }
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
