#include "core/config.h"
#include "core/settings.h"
#include "core/version.h"
#include "runictl/commands.h"
#include "runictl/containers/running_init.h"
#include "runictl/engines/engines.h"
#include "runictl/machine/machine.h"
#include "runictl/machine/terminal.h"
#include "runictl/show/json.h"
#include "runictl/show/table.h"
#include "system/files.h"
#include "system/programs.h"
#include "system/settings.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

namespace runi {
namespace {

constexpr std::size_t kMaxProgramBytes = 64 << 20;
constexpr std::size_t kMaxImports = 256;
constexpr std::size_t kMaxVersion = 32;

// The files that containerd, and those who bring one of their own, are started with; and theirs.
constexpr struct {
  std::string_view file;
  std::string_view program;  // empty: in the system's directories
} kContainerdMains[] = {
    {"/etc/containerd/config.toml", ""},
    {"/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
     "/var/lib/rancher/k3s/data/current/bin/containerd"},
    {"/var/lib/rancher/rke2/agent/etc/containerd/config.toml", "/var/lib/rancher/rke2/bin/containerd"},
    {"/etc/k0s/containerd.toml", "/var/lib/k0s/bin/containerd"},
    {"/var/snap/microk8s/current/args/containerd.toml", "/snap/microk8s/current/bin/containerd"},
};
constexpr std::string_view kContainerdDropIns = "/etc/containerd/conf.d";

// Types of files that containers may be entered through; besides all that end in _exec_t. Source:
// container-selinux, container.te; domain_entry_file and the attribute exec_type.
constexpr std::string_view kEntryTypes[] = {
    "bin_t",   "container_ro_file_t", "container_file_t", "container_var_lib_t", "container_runtime_tmpfs_t",
    "fusefs_t"};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string joined(std::string_view directory, std::string_view name) {
  return std::string(directory) + "/" + std::string(name);
}

class Check {
 public:
  Check(const Machine& machine, const std::string& handler) : machine_(machine), only_(handler) {}

  // As if the text were the configuration of a handler.
  std::vector<Finding> with_configuration(const std::string& path, const std::string& text) {
    find_own_runi();
    auto config = parse_config(text);
    if (!config) {
      add(Severity::problem, "configuration", config.error().what + "; nothing would start", path,
          "see runi.json(5)");
      return std::move(findings_);
    }
    add(Severity::ok, "configuration", path);
    const std::string handler = only_.empty() ? "runi" : only_;
    check_handler(handler, *config, own_);
    return std::move(findings_);
  }

  std::vector<Finding> all() {
    find_own_runi();
    check_engines();
    check_programs();
    check_configurations();
    check_handlers();
    if (machine_.is_this()) check_kernel();
    return std::move(findings_);
  }

 private:
  void add(Severity severity, std::string subject, std::string what, std::string where = "",
           std::string action = "") {
    findings_.push_back({severity, std::move(subject), std::move(what), std::move(where), std::move(action)});
  }

  // What lies at a path of the machine; where that cannot be told, a note says so.
  std::optional<Found> find(const std::string& subject, const std::string& path) {
    auto found = machine_.find(path);
    if (found) return std::move(*found);
    add(Severity::note, subject, path + ": " + found.error().what, "",
        "run this as root, or correct the path");
    return std::nullopt;
  }

  std::optional<std::string> read(const std::string& subject, const std::string& path) {
    auto text = machine_.read(path, kMaxConfigBytes);
    if (text) return std::move(*text);
    add(Severity::note, subject, text.error().what, path, "run this as root, or correct the file");
    return std::nullopt;
  }

  // Whether nobody but root and the caller can have put something there that then runs with the caller's
  // rights.
  static bool is_safe_to_run(const Found& found) {
    return (found.mode & 0022) == 0 && (found.uid == 0 || found.uid == geteuid());
  }

  // A file that decides what runs as root on this machine.
  void check_owner(const std::string& subject, const std::string& path, const Found& found) {
    if ((found.mode & 0022) != 0) {
      add(Severity::problem, subject, "writable by others than its owner", path, "run chmod go-w on it");
    }
    if (found.uid != 0) {
      add(Severity::warning, subject, "belongs to user " + std::to_string(found.uid) + ", who can replace it",
          path, "run chown root on it, unless only that user's containers are meant");
    }
  }

  // --- runi

  bool is_runi(const Found& found) {
    const auto known = is_runi_.find(found.identity);
    if (known != is_runi_.end()) return known->second;
    bool answer = false;
    // The one name that every runi knows; runictl knows it too.
    if (S_ISREG(found.mode) && base_name(found.path) != "runictl") {
      auto bytes = read_text(found.handle, kMaxProgramBytes);
      answer = bytes && *bytes &&
               (**bytes).starts_with(
                   "\x7f"
                   "ELF") &&
               (**bytes).find("runi.dev/injected") != std::string::npos;
      if (answer) versions_[found.identity] = version_in(**bytes);
    }
    is_runi_[found.identity] = answer;
    return answer;
  }

  // Empty where it is older than the mark.
  static std::string version_in(std::string_view bytes) {
    const auto at = bytes.find(kVersionMark);
    if (at == std::string_view::npos) return {};
    bytes.remove_prefix(at + kVersionMark.size());
    return std::string(bytes.substr(0, std::min(bytes.find('\0'), kMaxVersion)));
  }

  static std::string with_version(const std::string& text, const std::string& version) {
    return version.empty() ? text : text + ": version " + version;
  }

  Program look_up(const std::string& program) {
    std::vector<std::string> paths = {program};
    if (!program.starts_with('/')) {
      paths.clear();
      for (const std::string_view directory : kProgramDirectories) {
        paths.push_back(joined(directory, program));
      }
    }
    for (const std::string& path : paths) {
      auto found = machine_.find(path);
      if (!found || !*found) continue;
      if (!is_runi(**found)) return Program::another;
      handlers_[base_name(program)] = (*found)->path;
      return Program::runi;
    }
    return Program::missing;
  }

  void find_own_runi() {
    std::vector<std::string> candidates;
    if (machine_.is_this()) candidates.push_back(find_runi());
    for (const std::string_view directory : kProgramDirectories) {
      candidates.push_back(joined(directory, "runi"));
    }
    for (const std::string& path : candidates) {
      if (path == kSelf) continue;
      auto found = find("runi", path);
      if (!found || !is_runi(*found)) continue;
      own_ = found->path;
      handlers_["runi"] = found->path;
      find_links(directory_of(path), *found);
      return;
    }
  }

  // Once for each, by whatever names handlers know it.
  void check_programs() {
    if (handlers_.empty()) {
      add(Severity::problem, "runi", "not found in the system's directories", "", "install it");
    }
    std::set<std::string> programs;
    for (const auto& [handler, program] : handlers_) programs.insert(program);
    for (const std::string& program : programs) {
      auto found = find("runi", program);
      if (!found) continue;
      if ((found->mode & 0111) == 0) {
        add(Severity::problem, "runi", "not executable", program, "run chmod 0755 on it");
      }
      check_owner("runi", program, *found);
      add(Severity::ok, "runi", with_version(program, versions_[found->identity]));
    }
  }

  // Links to runi beside it are handlers too, by whatever name.
  void find_links(const std::string& directory, const Found& runi) {
    for (const std::string& name : machine_.names_in(directory)) {
      auto found = machine_.find(joined(directory, name));
      if (!found || !*found) continue;
      const bool sounds_like_one = name.starts_with("runi-") || is_reserved_name(name);
      if ((*found)->identity != runi.identity && (!sounds_like_one || !is_runi(**found))) continue;
      if (is_reserved_name(name)) {
        add(Severity::problem, "runi", "a link of this name is taken for a choice of crun's own handlers",
            joined(directory, name), "rename it to runi-" + name);
      }
      handlers_[name] = (*found)->path;
    }
  }

  // --- engines

  void take(Judgement judgement) {
    for (Finding& finding : judgement.findings) findings_.push_back(std::move(finding));
    named_ = named_ || judgement.names_runi;
  }

  LookUp looker() {
    return [this](const std::string& path) { return look_up(path); };
  }

  std::vector<ConfigFile> read_all(const std::string& subject, const std::vector<std::string>& paths) {
    std::vector<ConfigFile> files;
    for (const std::string& path : paths) {
      if (auto text = read(subject, path)) files.push_back({path, std::move(*text)});
    }
    return files;
  }

  std::vector<std::string> expand(const std::string& pattern) {
    if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
    std::vector<std::string> paths;
    const std::string directory = directory_of(pattern);
    for (const std::string& name : machine_.names_in(directory)) {
      if (fnmatch(base_name(pattern).c_str(), name.c_str(), FNM_PERIOD) == 0) {
        paths.push_back(joined(directory, name));
      }
    }
    return paths;
  }

  // The file and all it imports, in the order in which they count.
  std::vector<ConfigFile> read_containerd(const std::string& main) {
    std::vector<ConfigFile> files = read_all("containerd", {main});
    std::set<std::string> seen = {main};
    for (std::size_t next = 0; next < files.size() && files.size() < kMaxImports; ++next) {
      for (std::string pattern : containerd_imports(files[next])) {
        if (!pattern.starts_with('/')) pattern = joined(directory_of(files[next].path), pattern);
        for (const std::string& path : expand(pattern)) {
          if (!seen.insert(path).second) continue;
          for (ConfigFile& file : read_all("containerd", {path})) files.push_back(std::move(file));
        }
      }
    }
    return files;
  }

  // What the containerd that reads this main file says of itself, where it can be asked.
  std::optional<Merging> merging_of_reader(std::string_view program) {
    if (!machine_.is_this()) return std::nullopt;
    std::vector<std::string> paths = {std::string(program)};
    if (program.empty()) {
      paths.clear();
      for (const std::string_view directory : kProgramDirectories) {
        paths.push_back(joined(directory, "containerd"));
      }
    }
    for (const std::string& path : paths) {
      auto found = machine_.find(path);
      if (!found || !*found || !is_safe_to_run(**found)) continue;
      auto line = version_of(path);
      if (!line) continue;
      if (const auto merging = merging_of(*line)) return merging;
    }
    return std::nullopt;
  }

  void check_containerd() {
    std::set<std::string> read_files;
    std::string main_file;
    for (const auto& main : kContainerdMains) {
      const std::vector<ConfigFile> files = read_containerd(std::string(main.file));
      if (files.empty()) continue;
      if (main.file == kContainerdMains[0].file) main_file = main.file;
      for (const ConfigFile& file : files) read_files.insert(file.path);
      take(judge_containerd(files, merging_of_reader(main.program), looker()));
    }
    for (const std::string& path : expand(std::string(kContainerdDropIns) + "/*.toml")) {
      if (read_files.contains(path)) continue;
      const std::vector<ConfigFile> file = read_all("containerd", {path});
      if (file.empty() || judge_containerd(file, Merging::merges_first, looker()).findings.empty()) continue;
      if (main_file.empty()) {
        add(Severity::note, "containerd",
            "read without an /etc/containerd/config.toml by containerd 2.2 and later only", path,
            "before 2.2: make that file, and import this one there");
        take(judge_containerd(file, Merging::merges_first, looker()));
      } else {
        add(Severity::problem, "containerd", "names runi, but " + main_file + " does not import it", path,
            "add imports = [\"" + std::string(kContainerdDropIns) + "/*.toml\"] to " + main_file);
      }
    }
  }

  void check_engines() {
    check_containerd();
    std::vector<std::string> crio = {"/etc/crio/crio.conf"};
    for (std::string& path : expand("/etc/crio/crio.conf.d/*")) crio.push_back(std::move(path));
    take(judge_crio(read_all("CRI-O", crio), looker()));

    std::vector<std::string> folders = {"/usr/share/containers", "/etc/containers"};
    std::vector<std::string> daemons = {"/etc/docker/daemon.json"};
    if (const std::string home = own_configuration(); machine_.is_this() && !home.empty()) {
      folders.push_back(home + "/containers");
      daemons.push_back(home + "/docker/daemon.json");
    }
    std::vector<std::string> podman;
    for (const std::string& folder : folders) {
      podman.push_back(folder + "/containers.conf");
      for (std::string& path : expand(folder + "/containers.conf.d/*.conf")) {
        podman.push_back(std::move(path));
      }
    }
    take(judge_podman(read_all("podman", podman), looker()));
    for (const ConfigFile& file : read_all("docker", daemons)) take(judge_docker(file, looker()));
    if (!named_) {
      add(Severity::note, "engines", "no configuration of containerd, CRI-O, podman or Docker calls runi", "",
          "the files in runi's deploy/ show how");
    }
  }

  static std::string own_configuration() {
    const char* configured = std::getenv("XDG_CONFIG_HOME");
    if (configured != nullptr && *configured == '/') return configured;
    const char* home = std::getenv("HOME");
    return home != nullptr && *home == '/' ? std::string(home) + "/.config" : std::string();
  }

  // --- runi's own configuration

  void check_configurations() {
    const std::string directory(kConfigDirectory);
    for (const std::string& name : machine_.names_in(directory)) {
      if (!name.ends_with(".json")) continue;
      const std::string handler = name.substr(0, name.size() - 5);
      if (!only_.empty() && handler != only_ && handler != "config") continue;
      check_configuration(joined(directory, name), handler);
    }
  }

  void check_configuration(const std::string& path, const std::string& handler) {
    auto text = machine_.read(path, kMaxConfigBytes);
    if (!text) {
      // Root could read it if anybody could.
      const Severity severity = geteuid() == 0 ? Severity::problem : Severity::note;
      add(severity, "configuration", text.error().what + "; nothing starts where runi cannot read it", path,
          "make it a regular file that root can read; run this as root");
      return;
    }
    if (!*text) return;
    if (auto found = find("configuration", path)) check_owner("configuration", path, *found);
    if (auto config = parse_config(**text); !config) {
      add(Severity::problem, "configuration", config.error().what + "; nothing starts until it is corrected",
          path, "see runi.json(5)");
      return;
    }
    if (handler != "config" && !handlers_.contains(handler)) {
      add(Severity::note, "configuration", "nothing found that leads to runi under the name " + handler, path,
          "make a link of that name to runi, or remove the file");
      return;
    }
    add(Severity::ok, "configuration", path);
  }

  // --- what each handler leads to

  // Errors: the handler's configuration is broken, which has been said.
  std::optional<Config> config_of(const std::string& handler) {
    for (const std::string& name : {handler, std::string("config")}) {
      auto text = machine_.read(std::string(kConfigDirectory) + "/" + name + ".json", kMaxConfigBytes);
      if (!text) return std::nullopt;
      if (!*text) continue;
      auto config = parse_config(**text);
      if (!config) return std::nullopt;
      return std::move(*config);
    }
    return Config();
  }

  void check_handlers() {
    if (!only_.empty() && !handlers_.contains(only_)) handlers_[only_] = own_;
    for (const auto& [handler, program] : handlers_) {
      if (!only_.empty() && handler != only_) continue;
      if (const auto config = config_of(handler)) check_handler(handler, *config, program);
    }
  }

  void check_handler(const std::string& handler, const Config& config, const std::string& program) {
    if (config.inject == Inject::never) {
      add(Severity::note, "handler " + handler, "inject is \"never\": no container gets the init");
    }
    check_log(handler, config);
    check_runtime(handler, config);
    if (!program.empty() || !config.init_path.empty()) check_init_of(handler, config, program);
  }

  // Whether anybody hears of a container that starts without the init it was to have.
  void check_log(const std::string& handler, const Config& config) {
    std::string deaf;
    if (config.log.sink == LogSink::file) {
      auto folder = machine_.find(directory_of(config.log.file));
      if (folder && (!*folder || !S_ISDIR((*folder)->mode))) {
        deaf = "there is no directory for the log " + config.log.file;
      }
    } else if (config.log.sink == LogSink::syslog && machine_.is_this() && !has_syslog()) {
      deaf = "nothing listens on /dev/log";
    }
    if (deaf.empty() || !seen_.insert("log " + deaf).second) return;
    if (config.on_failure == OnFailure::fail) {
      add(Severity::note, "log",
          "handler " + handler + ": " + deaf + "; errors reach the engine all the same");
      return;
    }
    add(Severity::warning, "log",
        "handler " + handler + ": " + deaf + ", so nobody hears of containers that start without an init", "",
        "name a \"file\" in a directory that exists, with the sink \"file\", as \"log\" in the "
        "configuration; or "
        "set \"onFailure\": \"fail\" there");
  }

  void check_runtime(const std::string& handler, const Config& config) {
    std::vector<std::string> candidates = {config.runtime};
    // The engine's PATH, which runi looks through last, is not known here.
    if (config.runtime.empty()) candidates = runtime_candidates("");
    for (const std::string& path : candidates) {
      auto found = find("runtime", path);
      if (!found || (config.runtime.empty() && ((found->mode & 0111) == 0 || is_runi(*found)))) continue;
      if (!seen_.insert("runtime " + path).second) return;
      check_runtime_at(path, *found);
      return;
    }
    if (config.runtime.empty()) {
      add(Severity::problem, "runtime",
          "handler " + handler + ": neither runc nor crun is in the system's directories", "",
          "install one, or name one as \"runtime\" in the configuration");
    } else {
      add(Severity::problem, "runtime", "handler " + handler + ": " + config.runtime + " does not exist", "",
          "correct \"runtime\" in the configuration");
    }
  }

  void check_runtime_at(const std::string& path, const Found& found) {
    if (is_runi(found)) {
      add(Severity::problem, "runtime", path + " is runi itself", "",
          "name the real runtime in the configuration");
      return;
    }
    if (!S_ISREG(found.mode) || (found.mode & 0111) == 0) {
      add(Severity::problem, "runtime", path + " is no program", "",
          "correct \"runtime\" in the configuration");
      return;
    }
    check_owner("runtime", path, found);
    if (is_reserved_name(base_name(path))) {
      add(Severity::warning, "runtime", path + " runs no processes of its own, so no container gets the init",
          "", "name crun, or take runi out of the way");
    }
    if (!machine_.is_this() || !is_safe_to_run(found)) {
      add(Severity::ok, "runtime",
          path + (machine_.is_this() ? " (not run: others can change it)" : " (not run: another machine's)"));
      return;
    }
    auto version = version_of(path);
    if (version) {
      add(Severity::ok, "runtime", path + ": " + *version);
    } else {
      add(Severity::problem, "runtime", path + ": " + version.error().what, "", "try " + path + " --version");
    }
  }

  void check_init_of(const std::string& handler, const Config& config, const std::string& program) {
    std::vector<std::string> candidates = {config.init_path};
    if (config.init_path.empty()) {
      const auto beside = init_candidates(program);
      candidates.assign(beside.begin(), beside.end());
    }
    for (const std::string& path : candidates) {
      auto found = find("init", path);
      if (!found) continue;
      if (seen_.insert("init " + path).second) check_init_at(path, *found);
      return;
    }
    std::string where = candidates[0];
    if (candidates.size() > 1) where += " nor " + candidates[1];
    add(Severity::problem, "init",
        "handler " + handler + ": " + (candidates.size() > 1 ? "neither " : "") + where +
            (candidates.size() > 1 ? " exists" : " does not exist"),
        "", "install runi-init there, or name it as \"init\": {\"path\"} in the configuration");
  }

  void check_init_at(const std::string& path, const Found& found) {
    const std::size_t before = findings_.size();
    // Devices are not to be opened, wherever a link may have led.
    const Result<void> checked = S_ISREG(found.mode) ? check_init(found.handle) : Error{"not a regular file"};
    if (!checked) {
      add(Severity::problem, "init", checked.error().what, path, "install runi-init anew, with mode 0755");
    }
    if (checked && found.uid != 0) check_owner("init", path, found);
    if (machine_.names_in("/sys/fs/selinux").empty()) {
      if (findings_.size() == before) {
        add(Severity::ok, "init",
            path + ": " + init_version(found) + "static, for this machine, executable by all");
      }
      return;
    }
    check_label(path, found);
  }

  // "version 1.2.3, "; empty where the file does not tell.
  static std::string init_version(const Found& found) {
    auto bytes = read_text(found.handle, kMaxProgramBytes);
    const std::string version = bytes && *bytes ? version_of_init(**bytes) : "";
    return version.empty() ? "" : "version " + version + ", ";
  }

  void check_label(const std::string& path, const Found& found) {
    const auto first = found.label.find(':');
    const auto second = found.label.find(':', first == std::string::npos ? first : first + 1);
    std::string type = second == std::string::npos ? "" : found.label.substr(second + 1);
    type.erase(std::min(type.find(':'), type.size()));
    const bool known =
        std::find(std::begin(kEntryTypes), std::end(kEntryTypes), type) != std::end(kEntryTypes);
    if (known || type.ends_with("_exec_t")) {
      add(Severity::ok, "init", path + ": its SELinux type " + type + " is one that containers start from");
      return;
    }
    add(Severity::problem, "init",
        type.empty() ? std::string("it has no SELinux label")
                     : "its SELinux type " + type + " is none that containers may start from",
        path, "run restorecon on it, or chcon -t container_ro_file_t; keep it in a bin or libexec directory");
  }

  // --- the kernel

  void check_kernel() {
    if (kernel_reaps()) {
      add(Severity::ok, "kernel", "reaps orphans by itself (tried)");
    } else {
      add(Severity::note, "kernel",
          "keeps no status of a reaped child, so runi-init reaps orphans itself (tried)", "",
          "nothing; Linux 6.15 and later spare it that");
    }
    if (has_seccomp()) {
      add(Severity::ok, "kernel", "has seccomp filters");
    } else {
      add(Severity::note, "kernel", "has no seccomp filters, so runi-init runs without its own");
    }
  }

  const Machine& machine_;
  std::string only_;
  std::vector<Finding> findings_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, bool> is_runi_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> versions_;  // of each runi
  std::map<std::string, std::string> handlers_;  // names that lead to runi, and its path
  std::set<std::string> seen_;                   // what has been said already, for another handler
  std::string own_;
  bool named_ = false;
};

Colour colour_of(Severity severity) {
  switch (severity) {
    case Severity::ok: return Colour::green;
    case Severity::note: return Colour::bold;
    case Severity::warning: return Colour::yellow;
    case Severity::problem: return Colour::red;
  }
  return Colour::plain;
}

std::string text_of(const std::vector<Finding>& findings, bool colours) {
  std::vector<std::vector<Cell>> table;
  for (const Finding& finding : findings) {
    table.push_back({{std::string(name_of(finding.severity)), colour_of(finding.severity)},
                     {finding.subject},
                     {finding.what}});
    if (!finding.where.empty()) table.push_back({{""}, {""}, {"in " + finding.where}});
    if (!finding.action.empty()) table.push_back({{""}, {""}, {"-> " + finding.action}});
  }
  return format_table(table, colours);
}

std::ptrdiff_t count_of(const std::vector<Finding>& findings, Severity severity) {
  return std::count_if(findings.begin(), findings.end(),
                       [severity](const Finding& finding) { return finding.severity == severity; });
}

Json json_of(const Finding& finding) {
  Json json = Json::object();
  json.add("severity", name_of(finding.severity));
  json.add("subject", finding.subject);
  json.add("what", finding.what);
  if (!finding.where.empty()) json.add("where", finding.where);
  if (!finding.action.empty()) json.add("action", finding.action);
  return json;
}

std::string json_of(const std::vector<Finding>& findings, const std::string& root) {
  Json list = Json::array();
  for (const Finding& finding : findings) list.add(json_of(finding));
  Json json = Json::object();
  json.add("version", RUNI_VERSION);
  json.add("root", root);
  json.add("problems", count_of(findings, Severity::problem));
  json.add("warnings", count_of(findings, Severity::warning));
  json.add("findings", std::move(list));
  return json.lines();
}

}  // namespace

Result<int> check(const CheckOptions& options) {
  auto machine = Machine::at(options.root);
  if (!machine) return with_context("--root " + options.root, machine.error());
  if (options.handler.find('/') != std::string::npos) {
    return Error{"--handler " + options.handler +
                 ": expected the name that runi is called by, without a slash"};
  }
  Check look(*machine, options.handler);
  std::vector<Finding> findings;
  if (options.config.empty()) {
    findings = look.all();
  } else {
    auto text = read_text(options.config, kMaxConfigBytes);
    if (!text) return with_context(options.config, text.error());
    if (!*text) return Error{options.config + ": no such file"};
    findings = look.with_configuration(options.config, **text);
  }
  const auto problems = count_of(findings, Severity::problem);
  if (options.json) {
    print(json_of(findings, options.root));
  } else {
    print(text_of(findings, colours_wanted()));
    print("\n" + std::to_string(problems) + (problems == 1 ? " problem, " : " problems, "));
    const auto warnings = count_of(findings, Severity::warning);
    print(std::to_string(warnings) + (warnings == 1 ? " warning\n" : " warnings\n"));
  }
  return problems > 0 ? kFound : 0;
}

}  // namespace runi
