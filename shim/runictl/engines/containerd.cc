#include "runictl/engines/containerd.h"

#include "runictl/engines/containerd_tables.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

namespace runi {
namespace {

using std::string_view;

constexpr Merging kAllMergings[] = {Merging::replaces, Merging::merges_first, Merging::migrates_first};

std::optional<std::string> program_of(const TomlValue& handler) {
  const std::array<string_view, 2> keys = {"options", "BinaryName"};
  const TomlValue* program = descend(&handler, keys);
  return program == nullptr ? std::nullopt : program->text;
}

struct Parsed {
  const ConfigFile* file;
  const TomlValue* root;
  std::int64_t version;
  // The CRI plugin's table under the name that a file of this version has it; null where it has none.
  const TomlValue* cri = nullptr;
};

class Containerd {
 public:
  Containerd(std::span<const ConfigFile> files, Merging merging, const Programs& programs)
      : judge_("containerd", programs), merging_(merging), documents_(judge_.parse(files)) {
    for (const TomlFile& document : documents_) {
      files_.push_back({document.file, &document.root, version_in(document.root)});
      if (files_.back().version > 0) last_version_ = files_.back().version;
    }
    for (Parsed& file : files_) {
      for (const string_view plugin : plugins_read_in(file)) {
        if (file.cri == nullptr) file.cri = cri_table(*file.root, plugin);
      }
      tables_.push_back({file.cri, file.file});
    }
  }

  Judgement judge() {
    for (const Parsed& file : files_) judge_names(file);
    judge_merging();
    bool any = false;
    const auto handlers = names_in(tables_, {"containerd", "runtimes"});
    for (const auto& [name, at] : handlers) {
      const Placed program = option(name, "BinaryName");
      if (!judge_.concerns_runi(name, program.text())) continue;
      any = true;
      judge_handler(name, at, program);
    }
    if (any) judge_default(handlers);
    return judge_.take();
  }

 private:
  // The names under which this containerd finds the CRI plugin in a file.
  [[nodiscard]] std::vector<string_view> plugins_read_in(const Parsed& file) const {
    // 1.x reads all files as being of one version.
    if (merging_ == Merging::replaces) {
      return {last_version_ < 2 ? kCri1 : file.version > 2 ? kCri3 : kCri2};
    }
    // Without a version it is of the first, whose migration leaves newer names alone.
    if (file.version < 2) return {kCri3, kCri2, kCri1};
    return {file.version == 2 ? kCri2 : kCri3};
  }

  // The first handler in a table of the CRI plugin that is to be runi.
  [[nodiscard]] const TomlValue* find_runi(const TomlValue* cri) const {
    const TomlValue* handlers = handlers_in(cri);
    if (handlers == nullptr || handlers->kind != TomlValue::Kind::table) return nullptr;
    for (const TomlValue& handler : handlers->children) {
      if (judge_.concerns_runi(handler.key, program_of(handler))) return &handler;
    }
    return nullptr;
  }

  [[nodiscard]] bool names_runi(const Parsed& file) const { return find_runi(file.cri) != nullptr; }

  // Whether the table that was found in the file is there under the names of version 2 or 1.
  [[nodiscard]] static bool has_old_names(const Parsed& file) {
    return file.cri != nullptr && file.cri != cri_table(*file.root, kCri3);
  }

  // Whether runi stands where a file of this version has its handlers.
  void judge_names(const Parsed& file) {
    const auto read = plugins_read_in(file);
    for (const string_view plugin : kCriPlugins) {
      if (std::find(read.begin(), read.end(), plugin) != read.end()) continue;
      const TomlValue* handler = find_runi(cri_table(*file.root, plugin));
      if (handler == nullptr) continue;
      const std::int64_t version = std::max<std::int64_t>(file.version, 1);
      judge_.problem("a file of version " + std::to_string(version) + " has its handlers in plugins." +
                         quoted(read.front()) + ", not in plugins." + quoted(plugin),
                     Placed{handler, file.file}.where(), "rename the table, or correct the file's version");
    }
  }

  // Whether what the files say of runi, and of the CRI plugin besides, is still there when they are put
  // together.
  void judge_merging() {
    const bool any =
        std::any_of(files_.begin(), files_.end(), [this](const Parsed& file) { return names_runi(file); });
    if (!any) return;
    for (const Parsed& file : files_) {
      // A version counts where tables are in its names, and the last one for all.
      const bool counts = file.cri != nullptr || file.version == last_version_;
      const bool known = file.version <= newest_known(merging_) || merging_ == Merging::migrates_first;
      if (!counts || known) continue;
      trouble(
          file,
          std::string(name_of(merging_)) + " does not know files of version " + std::to_string(file.version),
          "write it in version " + std::to_string(newest_known(merging_)));
    }
    switch (merging_) {
      case Merging::replaces: judge_replacing(); break;
      case Merging::merges_first: judge_merging_first(); break;
      case Merging::migrates_first: judge_migrating_first(); break;
    }
  }

  void trouble(const Parsed& file, std::string what, std::string action) {
    troubled_.insert(file.file);
    judge_.problem(std::move(what), file.file->path, std::move(action));
  }

  void judge_replacing() {
    const Parsed* last = nullptr;
    for (const Parsed& file : files_) {
      if (file.cri != nullptr && file.version < 3) last = &file;
    }
    for (const Parsed& file : files_) {
      if (file.cri == nullptr || file.version >= 3 || &file == last) continue;
      if (names_runi(file)) troubled_.insert(file.file);
      trouble(*last,
              "in containerd 1.x this file replaces all that " + file.file->path + " says of the CRI plugin",
              "merge its table into " + file.file->path + " by hand and remove the import");
    }
  }

  void judge_merging_first() {
    const Parsed* newest = nullptr;  // the file that has all files read as version 3
    const Parsed* lists = nullptr;   // one that lists handlers in the names of version 3
    for (const Parsed& file : files_) {
      if (file.version >= 3) newest = &file;
      if (handlers_in(file.cri) != nullptr && !has_old_names(file)) lists = &file;
    }
    const bool reads_old = last_version_of_two() == 2;
    for (const Parsed& file : files_) {
      if (!has_old_names(file)) continue;
      if (!reads_old) {
        if (names_runi(file)) troubled_.insert(file.file);
        const std::string lost = " is dropped: handlers, sandbox image, CNI folders";
        const std::string cause = newest == nullptr ? "no file says that it is of version 2"
                                                    : "this file has all files read as version 3";
        std::string what = "in containerd 2.0 to 2.2 " + cause;
        what += ", so the CRI section of " + file.file->path + lost;
        trouble(newest == nullptr ? file : *newest, std::move(what),
                newest == nullptr
                    ? "write it in version 2 or 3"
                    : "write both files in the same version; deploy/containerd has runi in either");
      } else if (lists != nullptr && names_runi(file)) {
        trouble(file,
                "in containerd 2.0 to 2.2 no handler of a file of version 2 is taken where another, here " +
                    lists->file->path + ", lists some in version 3",
                "write it in version 3, as deploy/containerd/runi-2.x.toml does");
      }
    }
  }

  // Versions below 2 are migrated at once, to the one that held until then; at first that is 3.
  [[nodiscard]] std::int64_t last_version_of_two() const {
    std::int64_t version = 3;
    for (const Parsed& file : files_) {
      if (file.version >= 2) version = file.version;
    }
    return version;
  }

  void judge_migrating_first() {
    std::int64_t root = 0;
    for (const Parsed& file : files_) {
      if (root == 0) root = file.version;
      if (file.version <= root) continue;
      trouble(file,
              "containerd 2.3 does not start with an imported file of version " +
                  std::to_string(file.version) + " in a configuration of version " + std::to_string(root),
              "write it in the version of " + files_.front().file->path +
                  "; deploy/containerd has runi in either");
    }
  }

  [[nodiscard]] Placed key(const std::string& handler, string_view name) const {
    return find(tables_, {"containerd", "runtimes", handler, name});
  }

  [[nodiscard]] Placed option(const std::string& handler, string_view name) const {
    return find(tables_, {"containerd", "runtimes", handler, "options", name});
  }

  void judge_handler(const std::string& name, const Placed& at, const Placed& program) {
    const std::size_t before = judge_.count();
    const std::string subject = "handler " + quoted(name);
    const std::string fix = "set options.BinaryName to the path of runi";
    bool usable = false;
    if (!program.text()) {
      judge_.problem(subject + ": no BinaryName among its options, so it calls runc", at.where(), fix);
    } else {
      usable = judge_.judge_program(subject, "BinaryName", *program.text(), program.where());
    }
    const Placed type = key(name, "runtime_type");
    if (type.text() != std::string(kRuncShim)) {
      judge_.problem(subject + ": runtime_type is " + (type.text() ? quoted(*type.text()) : "missing") +
                         ", not " + quoted(kRuncShim),
                     type ? type.where() : at.where(), "set runtime_type = " + quoted(kRuncShim));
    }
    judge_cgroups(name, subject, at);
    const Placed annotations = key(name, "pod_annotations");
    for (const string_view wanted : kPodAnnotations) {
      if (annotations.has_word(wanted)) continue;
      judge_.add(Severity::warning,
                 subject + ": pod_annotations has no " + quoted(wanted) + ", so " +
                     (wanted.starts_with('*') ? "annotations for single containers" : "pods' annotations") +
                     " do not reach runi",
                 annotations ? annotations.where() : at.where(),
                 R"(set pod_annotations = ["runi.dev/*", "*.runi.dev/*"])");
    }
    if (usable && !troubled_.contains(at.file)) judge_.approve(subject, before, *program.text(), at.where());
  }

  void judge_cgroups(const std::string& name, const std::string& subject, const Placed& at) {
    const Placed runc = find(tables_, {"containerd", "runtimes", "runc"});
    const bool theirs = option("runc", "SystemdCgroup").truth();
    const Placed own = option(name, "SystemdCgroup");
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

  void judge_default(const std::map<std::string, Placed>& handlers) {
    const Placed named = find(tables_, {"containerd", "default_runtime_name"});
    const std::string name = named.text().value_or("runc");
    if (merging_ != Merging::replaces || handlers.contains(name)) return;
    judge_.problem("there is no handler " + quoted(name) +
                       ", the default: in containerd 1.x a list of handlers replaces the built-in one",
                   named ? named.where() : handlers.begin()->second.where(),
                   "add the handler " + quoted(name) + " too, with runtime_type = " + quoted(kRuncShim));
  }

  Judge judge_;
  Merging merging_;
  std::vector<TomlFile> documents_;
  std::vector<Parsed> files_;
  std::vector<Placed> tables_;            // of the CRI plugin, one for each of files_
  std::int64_t last_version_ = 1;         // that a file says it is of
  std::set<const ConfigFile*> troubled_;  // files of which the handlers are not taken, or do harm
};

bool is_in(const Finding& finding, const Judgement& judgement) {
  const auto& findings = judgement.findings;
  return std::find(findings.begin(), findings.end(), finding) != findings.end();
}

// A way to merge the files that may be the one of this machine, and what holds then.
struct Way {
  Merging merging;
  Judgement judgement;
};

std::vector<Way> judge_ways(std::span<const ConfigFile> files, const Programs& programs) {
  const std::int64_t version = files.empty() ? 0 : version_in(parse_toml(files.front()).root);
  std::vector<Way> ways;
  for (const Merging merging : kAllMergings) {
    // Where the main file is of a version that this containerd does not know, it is another that runs.
    if (merging != Merging::migrates_first && version > newest_known(merging)) continue;
    ways.push_back({merging, Containerd(files, merging, programs).judge()});
  }
  return ways;
}

// "with A and B": the ways in which the finding holds; `count` is how many they are.
std::string names_of_ways(const Finding& finding, std::span<const Way> ways, std::size_t& count) {
  std::string names;
  for (const Way& way : ways) {
    if (!is_in(finding, way.judgement)) continue;
    names += (names.empty() ? "with " : " and ") + std::string(name_of(way.merging));
    ++count;
  }
  return names;
}

// Each finding once, with the names of the ways in which it holds where that is not all.
Judgement judge_each_way(std::span<const ConfigFile> files, const Programs& programs) {
  const std::vector<Way> ways = judge_ways(files, programs);
  const bool wrong_in_all = std::all_of(ways.begin(), ways.end(), [](const Way& way) {
    return count_of(way.judgement.findings, Severity::problem) > 0;
  });
  Judgement all;
  std::vector<Finding> seen;
  for (const Way& way : ways) {
    if (all.programs.empty()) all.programs = way.judgement.programs;
    all.names_runi = all.names_runi || way.judgement.names_runi;
    for (const Finding& finding : way.judgement.findings) {
      if (std::find(seen.begin(), seen.end(), finding) != seen.end()) continue;
      seen.push_back(finding);
      Finding said = finding;
      std::size_t count = 0;
      const std::string names = names_of_ways(finding, ways, count);
      if (count < ways.size()) {
        if (said.what.find("containerd ") == std::string::npos) said.what = names + ": " + said.what;
        if (!wrong_in_all && said.severity == Severity::problem) said.severity = Severity::warning;
      }
      all.findings.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace

std::vector<std::string> containerd_imports(const ConfigFile& file) {
  const TomlDocument document = parse_toml(file);
  const TomlValue* imports = document.root.member("imports");
  return imports == nullptr ? std::vector<std::string>() : imports->words();
}

std::optional<Merging> merging_of(string_view version_line) {
  // "containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7": the third word.
  for (int word = 0; word < 2; ++word) {
    version_line.remove_prefix(std::min(version_line.find(' '), version_line.size()));
    version_line.remove_prefix(std::min(version_line.find_first_not_of(' '), version_line.size()));
  }
  if (version_line.starts_with('v')) version_line.remove_prefix(1);
  const char* end = version_line.data() + version_line.size();
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  const auto read = std::from_chars(version_line.data(), end, major);
  if (read.ec != std::errc{} || read.ptr == end || *read.ptr != '.') return std::nullopt;
  if (std::from_chars(read.ptr + 1, end, minor).ec != std::errc{}) return std::nullopt;
  if (major < 2) return Merging::replaces;
  return major == 2 && minor < 3 ? Merging::merges_first : Merging::migrates_first;
}

std::vector<std::string> programs_of_containerd(std::span<const ConfigFile> files) {
  std::vector<std::string> programs;
  for (const TomlFile& file : parse_valid(files)) {
    for (const string_view plugin : kCriPlugins) {
      const TomlValue* handlers = handlers_in(cri_table(file.root, plugin));
      if (handlers == nullptr) continue;
      for (const TomlValue& handler : handlers->children) {
        if (auto program = program_of(handler)) programs.push_back(std::move(*program));
      }
    }
  }
  return programs;
}

Judgement judge_containerd(std::span<const ConfigFile> files, std::optional<Merging> merging,
                           const Programs& programs) {
  return merging ? Containerd(files, *merging, programs).judge() : judge_each_way(files, programs);
}

}  // namespace runi
