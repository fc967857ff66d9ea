#include "runictl/engines/containerd_edit.h"

#include "core/path.h"
#include "runictl/engines/containerd_tables.h"
#include "runictl/engines/effective.h"
#include "runictl/engines/judge.h"
#include "runictl/engines/marked_block.h"
#include "runictl/engines/rendered.h"

#include <algorithm>
#include <array>
#include <map>

namespace runi {
namespace {

using std::string_view;

constexpr string_view kBuiltIn = "runc";  // the handler that containerd has where no file names any

using Settings = std::map<std::string, TomlValue, std::less<>>;

// One file without our block.
struct Part {
  ConfigFile file;
  std::optional<std::string> body;  // of the block that was in it
  TomlValue root;
  std::int64_t version = 0;
  const TomlValue* cri = nullptr;  // where this containerd looks for it
};

std::string in_words(std::int64_t version) {
  return version == 0 ? "no version, which is 1" : "version " + std::to_string(version);
}

// What a file of our own says of itself, and a block in another's file does not.
bool is_own_file(const std::string& body) {
  return body.starts_with("version = ");
}

// The folder that a pattern of imports takes all *.toml of; empty where it is no such pattern.
std::string folder_of(const std::string& pattern, string_view main) {
  const bool any_name = base_name(pattern) == "*.toml" || base_name(pattern) == "*";
  if (!any_name || directory_of(pattern).find_first_of("*?[") != string_view::npos) return {};
  const std::string folder(directory_of(pattern));
  return folder.starts_with('/') ? folder : joined(directory_of(main), folder);
}

class Adding {
 public:
  Adding(const ContainerdSetup& setup, const HandlerWanted& wanted) : setup_(setup), wanted_(wanted) {}

  Edit run() {
    if (auto refusal = look()) return *refusal;
    return place();
  }

  std::string runtime() {
    if (look()) return {};
    const auto program = options_.find("BinaryName");
    return program == options_.end() ? std::string() : program->second.text.value_or("");
  }

 private:
  using Step = std::optional<Refusal>;

  Step look() {
    if (auto refusal = refusal_of(wanted_)) return refusal;
    if (auto refusal = read()) return refusal;
    if (auto refusal = judge_versions()) return refusal;
    if (auto refusal = judge_plugin()) return refusal;
    return choose_settings();
  }

  [[nodiscard]] bool replaces() const { return setup_.merging == Merging::replaces; }
  [[nodiscard]] const Part& main() const { return parts_.front(); }

  Step read() {
    std::vector<ConfigFile> files = {setup_.main};
    files.insert(files.end(), setup_.imported.begin(), setup_.imported.end());
    parts_.reserve(files.size());  // tables are pointed at
    for (ConfigFile& file : files) {
      auto parted = part(file, wanted_.name);
      if (auto* refusal = std::get_if<Refusal>(&parted)) return *refusal;
      auto& [rest, body] = std::get<Parted>(parted);
      parts_.push_back({{std::move(file.path), std::move(rest)}, std::move(body), {}, 0, nullptr});
      Part& read = parts_.back();
      TomlDocument document = parse_toml(read.file);
      if (!document.error.empty()) {
        return invalid_file(read.file.path + ":" + std::to_string(document.error_line), "TOML",
                            document.error);
      }
      read.root = std::move(document.root);
      const bool own = read.body && is_own_file(*read.body);
      read.version = version_in(own ? parse_toml({read.file.path, *read.body}).root : read.root);
    }
    return std::nullopt;
  }

  Step judge_versions() const {
    const std::int64_t wanted = main().version;
    const std::string who(name_of(setup_.merging));
    const std::int64_t newest = newest_known(setup_.merging);
    for (const Part& part : parts_) {
      if (part.body && is_own_file(*part.body)) continue;
      if (part.version > newest) {
        return Refusal{part.file.path, who + " is not known to read files of " + in_words(part.version),
                       "write it in version " + std::to_string(newest)};
      }
      const bool differs = part.version != 0 && part.version != wanted;
      if (differs && (setup_.merging != Merging::migrates_first || part.version > wanted)) {
        return Refusal{part.file.path,
                       "this file is of " + in_words(part.version) + ", and " + main().file.path + " of " +
                           in_words(wanted) + ": " + who + " does not take both as they are",
                       "write both in the same version"};
      }
    }
    if (setup_.merging == Merging::merges_first && wanted < 2) {
      return Refusal{main().file.path, who + " drops the CRI section of a file of " + in_words(wanted),
                     "write it in version 3, as `containerd config migrate` prints it"};
    }
    return std::nullopt;
  }

  // The names under which this containerd finds the CRI plugin in a file.
  [[nodiscard]] std::vector<string_view> plugins_of(const Part& part) const {
    if (replaces()) return {cri_plugin_of(main().version)};
    if (part.version < 2) return {kCri3, kCri2, kCri1};
    return {cri_plugin_of(part.version)};
  }

  Step judge_plugin() {
    for (Part& part : parts_) {
      if (const TomlValue* disabled = part.root.member("disabled_plugins")) {
        for (const TomlValue& name : disabled->children) {
          if (std::find(std::begin(kCriPlugins), std::end(kCriPlugins), name.text) == std::end(kCriPlugins)) {
            continue;
          }
          return Refusal{Placed{&name, &part.file}.where(),
                         "disabled_plugins names the CRI plugin, so Kubernetes cannot use this containerd",
                         "remove it from disabled_plugins"};
        }
      }
      // What is built in is not named by a file that is written for want of another.
      if (!setup_.main_exists && &part == &main()) continue;
      for (const string_view plugin : plugins_of(part)) {
        if (part.cri == nullptr) part.cri = cri_table(part.root, plugin);
      }
      if (part.cri == nullptr) continue;
      if (replaces()) tables_.clear();  // only the last one holds
      tables_.push_back({part.cri, &part.file});
    }
    const auto handlers = names_in(tables_, {"containerd", "runtimes"});
    if (const auto found = handlers.find(wanted_.name); found != handlers.end()) {
      return Refusal{found->second.where(),
                     "there is a handler " + quoted(wanted_.name) + " that runictl has not added",
                     "remove it, or choose another name"};
    }
    return std::nullopt;
  }

  // All that the tables say at these keys, the last of each.
  [[nodiscard]] Settings settings_at(const std::vector<string_view>& keys) const {
    Settings settings;
    for (const auto& [key, placed] : names_in(tables_, keys)) settings.emplace(key, *placed.value);
    return settings;
  }

  Step choose_settings() {
    const Placed named = find(tables_, {"containerd", kDefaultName});
    std::string name = wanted_.like.empty() ? named.text().value_or("") : wanted_.like;
    if (name.empty() || name == wanted_.name) name = kBuiltIn;  // a person may have made ours the default
    const auto handlers = names_in(tables_, {"containerd", "runtimes"});
    needs_built_in_ = replaces() && handlers.empty();
    std::vector<string_view> keys = {"containerd", "runtimes", name};
    // Until 1.7 this table, if it says anything, is the default. Source: pkg/cri/config,
    // ValidatePluginConfig.
    const Placed old = find(tables_, {"containerd", "default_runtime", "runtime_type"});
    if (replaces() && wanted_.like.empty() && !old.text().value_or("").empty()) {
      keys = {"containerd", "default_runtime"};
      needs_built_in_ = false;
    } else if (!handlers.contains(name) && (name != kBuiltIn || (replaces() && !handlers.empty()))) {
      return Refusal{named ? named.where() : main().file.path,
                     "there is no handler " + quoted(name) + " whose settings could be taken",
                     "add it, or name another handler"};
    }
    settings_ = settings_at(keys);
    keys.push_back("options");
    options_ = settings_at(keys);
    settings_.erase("options");
    const auto type = settings_.find("runtime_type");
    const bool merged_with_built_in = name == kBuiltIn && (!replaces() || handlers.empty());
    if (type == settings_.end() ? merged_with_built_in : type->second.text == kRuncShim) return std::nullopt;
    const Placed at = find(tables_, {"containerd", "runtimes", name});
    return Refusal{at ? at.where() : main().file.path,
                   "the handler " + quoted(name) + " is not of runtime_type " + quoted(kRuncShim) +
                       ", so its settings are not those of a runtime that is called as runc is",
                   "name a handler of that type whose settings are to be taken"};
  }

  [[nodiscard]] std::string annotations() const {
    TomlValue list;
    list.kind = TomlValue::Kind::array;
    const auto add = [&list](string_view word) {
      for (const TomlValue& child : list.children) {
        if (child.text == word) return;
      }
      TomlValue element;
      element.kind = TomlValue::Kind::scalar;
      element.text = word;
      element.written = toml_string(word);
      list.children.push_back(std::move(element));
    };
    if (const auto theirs = settings_.find("pod_annotations"); theirs != settings_.end()) {
      for (const std::string& word : theirs->second.words()) add(word);
    }
    for (const string_view word : kPodAnnotations) add(word);
    return toml_line(list);
  }

  // What the built-in handler is set to beside its type: since 1.7 its sandbox_mode.
  [[nodiscard]] std::string built_in_settings() const {
    const TomlDocument defaults = parse_toml({{}, setup_.main_exists ? setup_.defaults : setup_.main.text});
    const TomlValue* cri = cri_table(defaults.root, cri_plugin_of(version_in(defaults.root)));
    const TomlValue* handler = descend(cri, std::array<string_view, 3>{"containerd", "runtimes", kBuiltIn});
    if (handler == nullptr) return {};
    std::string lines;
    for (const TomlValue& value : handler->children) {
      const bool is_setting = value.kind == TomlValue::Kind::scalar && value.key != "runtime_type";
      if (is_setting && !says_nothing(value)) {
        lines += "  " + toml_key(value.key) + " = " + toml_line(value) + "\n";
      }
    }
    return lines;
  }

  [[nodiscard]] std::string default_lines(string_view plugin) const {
    if (!wanted_.is_default || is_default_already()) return {};
    return "[plugins." + toml_key(plugin) + ".containerd]\n  " + default_line() + "\n";
  }

  [[nodiscard]] std::string default_line() const {
    return std::string(kDefaultName) + " = " + toml_string(wanted_.name);
  }

  // The block's lines. Tables have their full names, so that they are valid at the end of any file.
  [[nodiscard]] std::string body(string_view plugin, bool own_file) const {
    const std::string runtimes = "[plugins." + toml_key(plugin) + ".containerd.runtimes.";
    const std::string type = "  runtime_type = " + toml_string(kRuncShim) + "\n";
    std::string lines;
    if (own_file) lines += "version = " + std::to_string(std::max<std::int64_t>(main().version, 1)) + "\n";
    lines += default_lines(plugin);
    // A list of handlers takes the built-in one's place.
    if (needs_built_in_) lines += runtimes + toml_key(kBuiltIn) + "]\n" + type + built_in_settings();
    const std::string table = runtimes + toml_key(wanted_.name);
    lines += table + "]\n" + type;
    for (const auto& [key, value] : settings_) {
      if (key == "runtime_type" || key == "pod_annotations" || says_nothing(value)) continue;
      lines += "  " + toml_key(key) + " = " + toml_line(value) + "\n";
    }
    lines += "  pod_annotations = " + annotations() + "\n";
    lines += "  " + table + ".options]\n    BinaryName = " + toml_string(wanted_.program) + "\n";
    for (const auto& [key, value] : options_) {
      if (key == "BinaryName" || says_nothing(value)) continue;
      lines += "    " + toml_key(key) + " = " + toml_line(value) + "\n";
    }
    return lines;
  }

  [[nodiscard]] Placed chosen_default() const {
    const Placed old = find(tables_, {"containerd", "default_runtime", "runtime_type"});
    if (replaces() && !old.text().value_or("").empty()) return old;
    return find(tables_, {"containerd", kDefaultName});
  }

  [[nodiscard]] bool is_default_already() const {
    const Placed chosen = find(tables_, {"containerd", kDefaultName});
    return chosen && chosen.text() == wanted_.name;
  }

  // A key that is set cannot be set again, except in a file that is merged over the one that sets it.
  [[nodiscard]] Step judge_default(bool own_file) const {
    const Placed chosen = chosen_default();
    if (!wanted_.is_default || !chosen || is_default_already() || (own_file && !replaces())) {
      return std::nullopt;
    }
    return Refusal{chosen.where(),
                   std::string(chosen.value->key) + " is set here, and a person has to change it",
                   "install without --set-default, and then write " + default_line() + " there"};
  }

  // TOML has each table once: where the default's is there, a block at the end of the file cannot add to it.
  [[nodiscard]] Step judge_table_of_default(const Part& part, std::string lines) const {
    const std::string ours = default_lines(plugin_in(part));
    if (ours.empty()) return std::nullopt;
    lines.erase(lines.find(ours), ours.size());
    const std::string text = with_block(part.file.text, wanted_.name, lines);
    if (!parse_toml({part.file.path, text}).error.empty()) return std::nullopt;  // that is not all
    const Placed table{descend(part.cri, std::array{string_view("containerd")}), &part.file};
    return Refusal{table ? table.where() : part.file.path,
                   std::string(kDefaultName) + " belongs in this table, and a person has to write it",
                   "install without --set-default, and then write " + default_line() + " there"};
  }

  [[nodiscard]] std::string drop_in() const {
    if (replaces() || main().version < 2) return {};
    if (reads_drop_ins(setup_)) return joined(setup_.drop_ins, wanted_.name + ".toml");
    const TomlValue* imports = main().root.member("imports");
    if (imports == nullptr) return {};
    for (const std::string& pattern : imports->words()) {
      const std::string folder = folder_of(pattern, main().file.path);
      if (!folder.empty()) return joined(folder, wanted_.name + ".toml");
    }
    return {};
  }

  [[nodiscard]] Edit place() const {
    for (const Part& part : parts_) {
      if (part.body) return replace(part);
    }
    if (const std::string path = drop_in(); !path.empty()) {
      for (const Part& part : parts_) {
        if (part.file.path != path) continue;
        return Refusal{path, "somebody else's file is where the handler's own is to be", "move it away"};
      }
      return WriteFile{path, with_block("", wanted_.name, body(cri_plugin_of(main().version), true)), true};
    }
    if (setup_.rendered) return refuse_rendered(setup_, main().version);
    if (!setup_.main_exists) {
      const std::string lines = body(cri_plugin_of(main().version), true);
      return WriteFile{main().file.path, with_block("", wanted_.name, lines), true};
    }
    return insert();
  }

  // The block is there. It is written anew if anything in it is to be otherwise.
  [[nodiscard]] Edit replace(const Part& part) const {
    const bool own = is_own_file(*part.body);
    if (auto refusal = judge_default(own)) return *refusal;
    const std::string lines = body(own ? cri_plugin_of(main().version) : plugin_in(part), own);
    if (lines == *part.body) return Unchanged{};
    return checked(part, lines);
  }

  [[nodiscard]] Edit insert() const {
    const Part* target = &main();
    for (const Part& part : parts_) {
      if (replaces() && part.cri != nullptr) target = &part;
    }
    if (auto refusal = judge_default(false)) return *refusal;
    return checked(*target, body(plugin_in(*target), false));
  }

  // TOML cannot add to a table that is written in braces, and what a block says twice is refused.
  [[nodiscard]] Edit checked(const Part& part, const std::string& lines) const {
    const std::string text = with_block(part.file.text, wanted_.name, lines);
    const TomlDocument document = parse_toml({part.file.path, text});
    if (document.error.empty()) return WriteFile{part.file.path, text, false};
    if (auto refusal = judge_table_of_default(part, lines)) return *refusal;
    const TomlValue* at = &part.root;
    std::size_t line = 0;
    for (const string_view key :
         {string_view("plugins"), plugin_in(part), string_view("containerd"), string_view("runtimes")}) {
      const TomlValue* next = at->member(key);
      if (next == nullptr) break;
      at = next;
      line = at->line > 0 ? at->line : line;
    }
    return Refusal{
        part.file.path + (line > 0 ? ":" + std::to_string(line) : ""),
        "the table that is to have the handler cannot be added to at the end of the file: " + document.error,
        "write it as a table of its own, [plugins." + toml_key(plugin_in(part)) +
            ".containerd.runtimes.NAME]"};
  }

  [[nodiscard]] string_view plugin_in(const Part& part) const {
    for (const string_view plugin : plugins_of(part)) {
      if (part.cri != nullptr && part.cri == cri_table(part.root, plugin)) return plugin;
    }
    return cri_plugin_of(replaces() ? main().version : part.version);
  }

  const ContainerdSetup& setup_;
  const HandlerWanted& wanted_;
  std::vector<Part> parts_;
  std::vector<Placed> tables_;  // of the CRI plugin, those that count
  Settings settings_;           // of the handler that ours is to be like, without its options
  Settings options_;
  bool needs_built_in_ = false;
};

// Whether the file says the same without the block, the handlers in it aside. It does not if somebody has
// appended keys after the block, which belong to its last table.
bool says_the_same(const ConfigFile& file, const std::string& rest, string_view handler) {
  const auto change = change_of_containerd(file, {file.path, rest}, handler, {});
  if (!change) return true;  // what is not TOML says nothing
  const std::string built_in = ".containerd.runtimes." + std::string(kBuiltIn) + ".";
  const std::string chosen = ".containerd." + std::string(kDefaultName);
  return std::all_of(change->others.begin(), change->others.end(), [&](const std::string& path) {
    return path.find(built_in) != std::string::npos || path.ends_with(chosen);
  });
}

}  // namespace

Edit add_to_containerd(const ContainerdSetup& setup, const HandlerWanted& wanted) {
  return Adding(setup, wanted).run();
}

std::string runtime_of_containerd(const ContainerdSetup& setup, const HandlerWanted& wanted) {
  return Adding(setup, wanted).runtime();
}

bool others_need_block(const ConfigFile& file, string_view handler) {
  const auto parted = part(file, handler);
  const auto* found = std::get_if<Parted>(&parted);
  if (found == nullptr || !found->body || found->rest.find(kBlockBegin) == std::string::npos) return false;
  const std::string built_in = ".runtimes." + std::string(kBuiltIn) + "]\n";
  return is_own_file(*found->body) || found->body->find(built_in) != std::string::npos;
}

Edit remove_from_containerd(std::span<const ConfigFile> files, string_view handler) {
  std::vector<ConfigFile> others;  // what people have written
  for (const ConfigFile& file : files) {
    auto parted = part(file, handler);
    others.push_back(
        {file.path, std::holds_alternative<Parted>(parted) ? std::get<Parted>(parted).rest : file.text});
  }
  for (const TomlFile& file : parse_valid(others)) {
    for (const string_view plugin : kCriPlugins) {
      const TomlValue* cri = cri_table(file.root, plugin);
      const TomlValue* chosen = descend(cri, std::array{string_view("containerd"), kDefaultName});
      if (chosen == nullptr || chosen->text != handler) continue;
      return Refusal{Placed{chosen, file.file}.where(), std::string(kDefaultName) + " is " + quoted(handler),
                     "choose another default first"};
    }
  }
  for (const ConfigFile& file : files) {
    auto parted = part(file, handler);
    if (auto* refusal = std::get_if<Refusal>(&parted)) return *refusal;
    auto& [rest, body] = std::get<Parted>(parted);
    if (!body) continue;
    if (rest.empty() && is_own_file(*body)) return RemoveFile{file.path};
    if (!is_own_file(*body) && !says_the_same(file, rest, handler)) {
      return Refusal{
          file.path,
          "there are keys after the block of handler " + quoted(handler) + " that belong to its last table",
          "move them to the table that they are for, or remove them"};
    }
    return WriteFile{file.path, std::move(rest), false};
  }
  return Unchanged{};
}

}  // namespace runi
