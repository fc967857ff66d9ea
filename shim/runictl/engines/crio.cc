#include "runictl/engines/crio.h"

#include "core/path.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace runi {
namespace {

using std::string_view;

// Source: CRI-O 1.36, pkg/config/config.go, defaultRuntimeHandler and ValidateRuntimes; config_linux.go.
constexpr string_view kDefaultHandler = "crun";
constexpr string_view kDefaultRoot = "/run/crun";
constexpr string_view kDefaultMinMemory = "12 MiB";
constexpr string_view kBuiltInMinMemory = "500KiB";
constexpr string_view kConmon = "conmon";

// A handler as CRI-O has it. Keys that are not set are empty.
struct Handler {
  std::string name;
  Placed table;  // empty for the built-in one
  std::string program;
  std::string type;
  std::string root;
  std::string min_memory;
  std::string monitor;

  [[nodiscard]] Placed key(string_view wanted) const { return find({&table, 1}, {wanted}); }
  // Where the key stands, or where it is missing.
  [[nodiscard]] std::string where(string_view wanted) const {
    const Placed value = key(wanted);
    return value ? value.where() : table.where();
  }
};

class Crio {
 public:
  explicit Crio(std::span<const TomlFile> files) : roots_(roots_of(files)) {
    // The TOML library makes each member of a map anew: of a handler only the last file's table holds.
    // Source: BurntSushi/toml, decode.go, unifyMap.
    for (const auto& [name, table] : names_in(roots_, {"crio", "runtime", "runtimes"})) {
      handlers_.push_back(read(name, table));
    }
  }

  [[nodiscard]] const std::vector<Handler>& handlers() const { return handlers_; }

  [[nodiscard]] std::string default_name() const {
    const std::string named = setting("default_runtime").text().value_or("");
    return named.empty() ? std::string(kDefaultHandler) : named;
  }

  // Each value that a file gives to the setting, the one that holds first.
  [[nodiscard]] std::vector<Placed> all_of(string_view name) const {
    std::vector<Placed> values;
    for (auto root = roots_.rbegin(); root != roots_.rend(); ++root) {
      if (const Placed value = find({&*root, 1}, {"crio", "runtime", name})) values.push_back(value);
    }
    return values;
  }

  [[nodiscard]] Placed setting(string_view name) const { return find(roots_, {"crio", "runtime", name}); }

  // The handler of that name, or the built-in one.
  [[nodiscard]] Handler handler(const std::string& name) const {
    const auto found = std::find_if(handlers_.begin(), handlers_.end(),
                                    [&name](const Handler& handler) { return handler.name == name; });
    if (found != handlers_.end()) return *found;
    Handler built_in;
    built_in.name = name;
    built_in.program = name;
    built_in.root = name == "runc" ? "/run/runc" : kDefaultRoot;  // runc's until 1.30
    built_in.min_memory = name == kDefaultHandler ? kBuiltInMinMemory : "";
    return built_in;
  }

 private:
  static Handler read(const std::string& name, const Placed& table) {
    Handler handler;
    handler.name = name;
    handler.table = table;
    const auto text = [&handler](string_view key, string_view otherwise) {
      std::string value = handler.key(key).text().value_or("");
      return value.empty() ? std::string(otherwise) : value;
    };
    // Without a path CRI-O looks for a program of the handler's name.
    handler.program = text("runtime_path", name);
    handler.type = text("runtime_type", "oci");
    handler.root = text("runtime_root", kDefaultRoot);
    handler.min_memory = text("container_min_memory", "");
    handler.monitor = text("monitor_path", "");
    return handler;
  }

  std::vector<Placed> roots_;
  std::vector<Handler> handlers_;
};

class CrioJudge {
 public:
  CrioJudge(std::span<const ConfigFile> files, const Programs& programs, const CrioFacts& facts)
      : judge_("CRI-O", programs), parsed_(judge_.parse(files)), crio_(parsed_), facts_(facts) {}

  Judgement judge() {
    for (const Handler& handler : crio_.handlers()) {
      if (is_runi(handler)) judge_handler(handler);
    }
    return judge_.take();
  }

 private:
  [[nodiscard]] bool is_runi(const Handler& handler) const {
    return judge_.concerns_runi(handler.name, handler.program);
  }

  // The handlers that runi's is to be like: the default, or where that is runi's what may have been the
  // default before. Never empty.
  [[nodiscard]] std::vector<Handler> models() const {
    const Handler now = crio_.handler(crio_.default_name());
    if (!is_runi(now)) return {now};
    for (const Placed& value : crio_.all_of("default_runtime")) {
      const std::string name = value.text().value_or("");
      if (!name.empty() && !is_runi(crio_.handler(name))) return {crio_.handler(name)};
    }
    std::vector<Handler> models;
    if (Handler usual = crio_.handler(std::string(kDefaultHandler)); !is_runi(usual)) {
      models.push_back(std::move(usual));
    }
    for (const Handler& handler : crio_.handlers()) {
      if (handler.name != kDefaultHandler && !is_runi(handler)) models.push_back(handler);
    }
    if (models.empty()) models.push_back(Crio({}).handler(std::string(kDefaultHandler)));
    return models;
  }

  void judge_handler(const Handler& handler) {
    const std::size_t before = judge_.count();
    const std::string subject = "handler " + quoted(handler.name);
    const std::string where = handler.where("runtime_path");
    const bool usable = judge_.judge_program(subject, "runtime_path", handler.program, where);
    const std::vector<Handler> models = this->models();
    judge_inheritance(handler, subject);
    judge_type(handler, subject);
    if (handler.type == "oci") judge_monitor(handler, subject, models);
    if (handler.name == crio_.default_name()) judge_root(handler, subject, models);
    judge_memory(handler, subject, models.front());
    if (usable) judge_runtime(handler, subject, models);
    if (usable) judge_.approve(subject, before, handler.program, where);
  }

  void judge_inheritance(const Handler& handler, const std::string& subject) {
    const Placed inherits = handler.key("inherit_default_runtime");
    if (!inherits.truth() || handler.name == crio_.default_name()) return;
    judge_.problem(subject +
                       ": inherit_default_runtime replaces runtime_path by that of the default handler " +
                       quoted(crio_.default_name()) + ", so no container gets an init",
                   inherits.where(), "remove that line");
  }

  void judge_type(const Handler& handler, const std::string& subject) {
    if (handler.type == "oci") return;
    const std::string said = subject + ": runtime_type is " + quoted(handler.type);
    const std::string action = "set runtime_type = \"oci\"";
    const std::string where = handler.where("runtime_type");
    if (handler.type == "pod") {
      judge_.add(Severity::warning, said + ", so conmon-rs calls runi, which has not been tried", where,
                 action);
    } else if (handler.type == "vm") {
      judge_.problem(said + ", which calls no OCI runtime", where, action);
    } else {
      judge_.problem(said + ", which CRI-O does not know: it ignores the handler", where, action);
    }
  }

  // CRI-O starts only if the monitor of every handler is found, and says its version.
  // Source: pkg/config/config.go, TranslateMonitorFieldsForHandler and ValidateConmonPath.
  void judge_monitor(const Handler& handler, const std::string& subject, std::span<const Handler> models) {
    const Placed for_all = crio_.setting("conmon");  // goes before the handlers' own
    const bool has_one_for_all = !for_all.text().value_or("").empty();
    const std::string monitor = has_one_for_all ? *for_all.text() : handler.monitor;
    const std::string where = has_one_for_all ? for_all.where() : handler.where("monitor_path");
    if (monitor.empty()) {
      judge_search_for_monitor(subject, where, models);
      return;
    }
    const std::string said = subject + (has_one_for_all ? ": conmon " : ": monitor_path ") + monitor;
    const auto found = facts_.files.find(monitor);
    if (found == facts_.files.end()) {
      judge_.problem(said + " does not exist, so CRI-O does not start", where,
                     has_one_for_all ? "name the path of conmon" : advice_on_monitor(models));
    } else if (!found->second.is_executable) {
      judge_.problem(said + " is not executable, so CRI-O does not start", where,
                     "run chmod 0755 on it, or name another");
    }
  }

  // The monitor of a handler that names none.
  void judge_search_for_monitor(const std::string& subject, const std::string& where,
                                std::span<const Handler> models) {
    // Where the default handler names none either, a CRI-O that starts has a PATH of its own.
    const bool is_named_by_model = std::any_of(models.begin(), models.end(), names_monitor);
    if (!is_named_by_model || facts_.files.contains(kConmon)) return;
    judge_.problem(
        subject + ": no monitor_path, and the system's directories have no conmon, so CRI-O does not start",
        where, advice_on_monitor(models));
  }

  static bool names_monitor(const Handler& handler) { return !handler.monitor.empty(); }

  static std::string advice_on_monitor(std::span<const Handler> models) {
    for (const Handler& model : models) {
      if (model.type != "oci" || !names_monitor(model)) continue;
      return "set monitor_path = " + quoted(model.monitor) + ", as for " + quoted(model.name);
    }
    return "set monitor_path to the path of conmon";
  }

  // The sandboxes and containers of before are asked for in the new default's root.
  void judge_root(const Handler& handler, const std::string& subject, std::span<const Handler> models) {
    const auto has_root = [&handler](const Handler& model) {
      return clean(model.root) == clean(handler.root);
    };
    if (std::any_of(models.begin(), models.end(), has_root)) return;
    const Handler& model = models.front();
    judge_.problem(subject + ": is the default_runtime with a runtime_root, " + handler.root +
                       ", other than that of " + quoted(model.name) + ", " + model.root +
                       ": pods that ran before are lost",
                   handler.where("runtime_root"),
                   "drain the node, set runtime_root = " + quoted(model.root) + ", and restart CRI-O");
  }

  void judge_memory(const Handler& handler, const std::string& subject, const Handler& model) {
    if (!handler.min_memory.empty() || model.min_memory.empty()) return;
    judge_.add(Severity::warning,
               subject + ": no container_min_memory, so containers with a limit below " +
                   std::string(kDefaultMinMemory) + " are refused that " + quoted(model.name) +
                   " would start",
               handler.table.where(), "set container_min_memory = " + quoted(model.min_memory));
  }

  void judge_runtime(const Handler& handler, const std::string& subject, std::span<const Handler> models) {
    const auto own = facts_.runtimes.find(base_name(handler.program));
    if (own == facts_.runtimes.end()) return;
    const auto program_of = [this](const Handler& model) {
      const auto found = facts_.files.find(model.program);
      return found == facts_.files.end() || model.type != "oci" ? std::string() : found->second.path;
    };
    const auto is_same = [&](const Handler& model) { return program_of(model) == own->second; };
    if (program_of(models.front()).empty() || std::any_of(models.begin(), models.end(), is_same)) return;
    const std::string program = program_of(models.front());
    judge_.add(Severity::warning,
               subject + ": runi becomes " + own->second + ", while the handler " +
                   quoted(models.front().name) + " calls " + program,
               handler.table.where(),
               "name it in /etc/runi/" + own->first + ".json: \"runtime\": " + quoted(program));
  }

  // Without a slash at its end.
  static string_view clean(string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
  }

  Judge judge_;
  std::vector<TomlFile> parsed_;
  Crio crio_;
  const CrioFacts& facts_;
};

}  // namespace

std::vector<std::string> programs_of_crio(std::span<const ConfigFile> files) {
  const std::vector<TomlFile> parsed = parse_valid(files);
  std::vector<std::string> programs;
  const Crio crio(parsed);
  for (const Handler& handler : crio.handlers()) programs.push_back(handler.program);
  return programs;
}

std::vector<std::string> files_of_crio(std::span<const ConfigFile> files) {
  const std::vector<TomlFile> parsed = parse_valid(files);
  const Crio crio(parsed);
  std::vector<std::string> names = {std::string(kConmon), std::string(kDefaultHandler)};
  const auto add = [&names](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  add(crio.setting("conmon").text().value_or(""));
  add(crio.default_name());
  for (const Handler& handler : crio.handlers()) {
    add(handler.program);
    add(handler.monitor);
  }
  return names;
}

Judgement judge_crio(std::span<const ConfigFile> files, const Programs& programs, const CrioFacts& facts) {
  return CrioJudge(files, programs, facts).judge();
}

// Source: CRI-O, pkg/config/template.go: what has its default value is a comment, and the example of a
// handler is always one.
std::string read_crio_config(string_view printed) {
  constexpr string_view kTable = "[crio.runtime.runtimes.";
  constexpr string_view kExample = "[crio.runtime.runtimes.runtime-handler]";
  std::string text;
  bool in_handler = false;
  while (!printed.empty()) {
    const std::size_t length = std::min(printed.find('\n'), printed.size() - 1) + 1;
    string_view line = printed.substr(0, length);
    printed.remove_prefix(length);
    if (line.starts_with("# ")) {
      const string_view rest = line.substr(2);
      const string_view key = rest.substr(0, rest.find(' '));
      const bool is_key = rest.substr(key.size()).starts_with(" = ");
      const bool continues = is_key || rest.starts_with('\t') || rest.starts_with(']');
      in_handler = rest.starts_with(kTable) ? !rest.starts_with(kExample) : in_handler && continues;
      if (in_handler || (is_key && key == "default_runtime")) line = rest;
    }
    text += line;
  }
  return text;
}

}  // namespace runi
