// The judgement of engines' configurations. The input as files: whatever the bytes, findings that say what
// and, unless all is right, what to do. And its bytes as choices that make files of which is known what is
// right: however they are spelt, and in one file or two, that is what is found.
#include "input.h"
#include "runictl/engines/containerd.h"
#include "runictl/engines/crio.h"
#include "runictl/engines/docker.h"
#include "runictl/engines/podman.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;
using runi::Choices;
using runi::ConfigFile;
using runi::Judgement;
using runi::Merging;
using runi::Program;
using runi::Programs;
using runi::require;
using runi::Severity;

bool is_wrong(const runi::Finding& finding) {
  return finding.severity > Severity::note;
}

Judgement whole(Judgement judgement) {
  for (const runi::Finding& finding : judgement.findings) {
    require(!finding.subject.empty() && !finding.what.empty(), "a finding that says what");
    if (!is_wrong(finding)) continue;
    require(!finding.where.empty(), "a place of what is wrong");
    require(!finding.action.empty(), "what to do about what is wrong");
  }
  return judgement;
}

using Files = std::span<const ConfigFile>;

// All of the programs that are named are the same.
Programs all_the_same(const std::vector<std::string>& named, Program program) {
  Programs programs;
  for (const std::string& path : named) programs[path] = program;
  return programs;
}

// The first byte chooses what the programs are that the files name.
void check_any(std::string_view input) {
  const auto program = static_cast<Program>(input.empty() ? 0 : static_cast<unsigned char>(input[0]) % 3);
  // Two files where there is a form feed, which neither TOML nor JSON can hold.
  const bool two = input.find('\f') != std::string_view::npos;
  std::vector<ConfigFile> files = {{"/etc/1", std::string(runi::take_until('\f', input))}};
  if (two) files.push_back({"/etc/2", std::string(input)});
  for (const ConfigFile& file : files) {
    (void)runi::containerd_imports(file);
    (void)runi::merging_of(file.text);
    (void)whole(runi::judge_docker(file, all_the_same(runi::programs_of_docker(file), program)));
  }
  const Programs containerds = all_the_same(runi::programs_of_containerd(files), program);
  (void)whole(runi::judge_containerd(files, std::nullopt, containerds));
  for (const auto merging : {Merging::replaces, Merging::merges_first, Merging::migrates_first}) {
    (void)whole(runi::judge_containerd(files, merging, containerds));
  }
  runi::CrioFacts facts;
  for (const std::string& name : runi::files_of_crio(files)) {
    if (program != Program::missing) facts.files[name] = {name, program == Program::runi};
  }
  for (const char* name : {"runi", "runi-crun"}) facts.runtimes[name] = "/usr/bin/crun";
  (void)whole(runi::judge_crio(files, all_the_same(runi::programs_of_crio(files), program), facts));
  (void)whole(runi::judge_podman(files, all_the_same(runi::programs_of_podman(files), program)));
}

// --- files of a known meaning

constexpr std::string_view kNames[] = {"runi", "runc", "runi-crun", "my.handler", "runius", "crun", "x\"y"};

struct Known {
  std::string_view path;
  Program program;
};

constexpr Known kPrograms[] = {
    {"/usr/local/sbin/runi", Program::runi},
    {"/usr/bin/runc", Program::another},
    {"/opt/renamed", Program::runi},
    {"/opt/runi-gone", Program::missing},
    {"runi", Program::runi},
    {"/usr/bin/crun-runi", Program::runi},
    {"/usr/bin/krun", Program::runi},
    {"/opt/runi-not", Program::another},
    {"/nowhere", Program::missing},
};

Program look_up(const std::string& path) {
  for (const Known& known : kPrograms) {
    if (known.path == path) return known.program;
  }
  return Program::missing;
}

// What a judge is told: nothing but what lies at the paths that the files name.
Programs looked_up(const std::vector<std::string>& named) {
  Programs programs;
  for (const std::string& path : named) programs[path] = look_up(path);
  return programs;
}

bool sounds_like_runi(std::string_view word) {
  const std::string_view base = word.substr(word.rfind('/') + 1);
  return base == "runi" || base.starts_with("runi-");
}

enum class Spelling { tables, dotted, inlined };

std::string key_of(const std::string& name) {
  if (name.find('"') != std::string::npos) return "'" + name + "'";
  return name.find_first_of("./") == std::string::npos ? name : '"' + name + '"';
}

std::string in_one_line(const Json& value) {
  if (value.is_array()) {
    std::string text = "[";
    for (const Json& element : value) text += in_one_line(element) + ", ";
    return text + "]";
  }
  if (!value.is_object()) return value.dump();
  std::string text = "{";
  for (const auto& [name, member] : value.items()) {
    text += (text == "{" ? " " : ", ") + key_of(name) + " = " + in_one_line(member);
  }
  return text + " }";
}

void write_toml(const Json& table, const std::string& path, Spelling spelling, std::string& text) {
  const auto is_inlined = [spelling](const Json& value) {
    return !value.is_object() || spelling == Spelling::inlined ||
           (spelling == Spelling::dotted && value.empty());
  };
  if (spelling == Spelling::tables && !path.empty()) text += "[" + path + "]  # a table\n";
  for (const auto& [name, value] : table.items()) {
    if (!is_inlined(value)) continue;
    const std::string prefix = spelling == Spelling::dotted && !path.empty() ? path + " . " : "";
    text += prefix + key_of(name) + " = " + in_one_line(value) + "\n";
  }
  for (const auto& [name, value] : table.items()) {
    if (is_inlined(value)) continue;
    write_toml(value, (path.empty() ? "" : path + ".") + key_of(name), spelling, text);
  }
}

// What is to be found of the entries of one engine.
struct Truth {
  struct Entry {
    std::string name;
    bool right;
  };
  std::vector<Entry> entries;  // those that concern runi
  std::vector<std::string> programs;
};

// An entry that names this program, and is right in all else or not.
void add_entry(Truth& truth, const std::string& name, const std::string& program, bool right) {
  const Program found = look_up(program);
  if (!sounds_like_runi(name) && !sounds_like_runi(program) && found != Program::runi) return;
  const std::string base = program.substr(program.rfind('/') + 1);
  const bool usable = found == Program::runi && base != "krun" && !base.starts_with("crun-");
  if (usable) truth.programs.push_back(program);
  truth.entries.push_back({name, usable && program.starts_with('/') && right});
}

// One engine's files: how they are made of choices, judged, and what is true of them.
struct Engine {
  std::string_view what;  // an entry is to it
  Json (*make)(Choices& choices);
  Judgement (*judge)(Files files);
  Truth (*find_truth)(const Json& file);
};

constexpr const char* kCri = "io.containerd.grpc.v1.cri";

std::string a_name(Choices& choices) {
  return std::string(choices.one_of(kNames));
}

std::string a_path(Choices& choices) {
  return std::string(choices.one_of(kPrograms).path);
}

Json make_containerd(Choices& choices) {
  Json handlers = Json::object();
  for (auto count = choices.below(4); count > 0; --count) {
    Json& handler = handlers[a_name(choices)];
    handler = Json::object();
    if (choices.below(8) != 1) {
      handler["runtime_type"] = choices.below(8) == 1 ? "io.containerd.runsc.v1" : "io.containerd.runc.v2";
    }
    if (choices.below(8) != 1) handler["pod_annotations"] = {"runi.dev/*", "*.runi.dev/*"};
    if (choices.below(8) == 1) handler["pod_annotations"] = {"x", "runi.dev/*"};
    handler["options"] = Json::object();
    if (choices.below(8) != 1) handler["options"]["BinaryName"] = a_path(choices);
    if (choices.yes()) handler["options"]["SystemdCgroup"] = choices.yes();
  }
  return {{"version", 2}, {"plugins", {{kCri, {{"containerd", {{"runtimes", handlers}}}}}}}};
}

Truth find_containerd_truth(const Json& file) {
  Truth truth;
  const Json handlers = file["plugins"][kCri]["containerd"]["runtimes"];
  const auto cgroup_of = [&handlers](const std::string& name) {
    return handlers.contains(name) && handlers[name]["options"].value("SystemdCgroup", false);
  };
  for (const auto& [name, handler] : handlers.items()) {
    const Json annotations = handler.value("pod_annotations", Json::array());
    add_entry(truth, name, handler["options"].value("BinaryName", ""),
              handler.value("runtime_type", "") == "io.containerd.runc.v2" && annotations.size() == 2 &&
                  annotations[0] != "x" && cgroup_of(name) == cgroup_of("runc"));
  }
  return truth;
}

// The default handler names a monitor or none, and a minimum of memory.
Json make_crio(Choices& choices) {
  static constexpr const char* kMonitors[] = {"", "/usr/bin/conmon", "/gone"};
  Json handlers = Json::object();
  handlers["plain"] = {{"runtime_path", "/nowhere"}, {"container_min_memory", "1MiB"}};
  if (choices.yes()) handlers["plain"]["monitor_path"] = "/usr/bin/conmon";
  for (auto count = choices.below(4); count > 0; --count) {
    Json& handler = handlers[a_name(choices)];
    handler = Json::object();
    if (choices.below(4) != 1) handler["runtime_path"] = choices.below(4) == 1 ? "" : a_path(choices);
    static constexpr const char* kTypes[] = {"oci", "", "vm", "pod"};
    if (choices.yes()) handler["runtime_type"] = choices.one_of(kTypes);
    if (choices.below(4) != 1) handler["container_min_memory"] = "1MiB";
    if (choices.below(4) != 1) handler["monitor_path"] = choices.one_of(kMonitors);
    if (choices.below(4) == 1) handler["inherit_default_runtime"] = choices.yes();
  }
  return {{"crio", {{"runtime", {{"default_runtime", "plain"}, {"runtimes", handlers}}}}}};
}

bool has_monitor(const Json& handler, const Json& plain) {
  const std::string path = handler.value("monitor_path", "");
  return path == "/usr/bin/conmon" || (path.empty() && !plain.contains("monitor_path"));
}

Truth find_crio_truth(const Json& file) {
  Truth truth;
  const Json& handlers = file["crio"]["runtime"]["runtimes"];
  for (const auto& [name, handler] : handlers.items()) {
    const std::string path = handler.value("runtime_path", "");
    const std::string type = handler.value("runtime_type", "oci");
    const bool is_right = (type.empty() || type == "oci") && has_monitor(handler, handlers["plain"]) &&
                          handler.contains("container_min_memory") &&
                          !handler.value("inherit_default_runtime", false);
    add_entry(truth, name, path.empty() ? name : path, is_right);
  }
  return truth;
}

Judgement judge_crio_file(Files files) {
  runi::CrioFacts facts;
  facts.files["/usr/bin/conmon"] = {"/usr/bin/conmon", true};
  return runi::judge_crio(files, looked_up(runi::programs_of_crio(files)), facts);
}

Json make_podman(Choices& choices) {
  Json runtimes = Json::object();
  for (auto count = choices.below(4); count > 0; --count) {
    Json& paths = runtimes[a_name(choices)];
    paths = Json::array();
    for (auto paths_left = choices.below(3); paths_left > 0; --paths_left) paths.push_back(a_path(choices));
  }
  Json engine = {{"runtimes", runtimes}};
  if (choices.yes()) engine["runtime_supports_json"] = {a_name(choices), "runi"};
  return {{"engine", engine}};
}

Truth find_podman_truth(const Json& file) {
  Truth truth;
  const Json listed = file["engine"].value("runtime_supports_json", Json::array());
  for (const auto& [name, paths] : file["engine"]["runtimes"].items()) {
    std::string program;
    for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
      if (program.empty() || look_up(*path) != Program::missing) program = *path;
    }
    // Where none exists the first is meant.
    if (!paths.empty() && look_up(program) == Program::missing) program = paths.front();
    add_entry(truth, name, program, std::find(listed.begin(), listed.end(), name) != listed.end());
  }
  return truth;
}

const Engine kEngines[] = {
    {"handler", make_containerd,
     [](Files files) {
       return runi::judge_containerd(files, Merging::merges_first,
                                     looked_up(runi::programs_of_containerd(files)));
     },
     find_containerd_truth},
    {"handler", make_crio, judge_crio_file, find_crio_truth},
    {"runtime", make_podman,
     [](Files files) { return runi::judge_podman(files, looked_up(runi::programs_of_podman(files))); },
     find_podman_truth},
};

// As text, without places, for comparisons and for messages.
std::string text_of(const Judgement& judgement) {
  std::string text;
  for (const runi::Finding& finding : judgement.findings) {
    text += std::string(name_of(finding.severity)) + " " + finding.what + " -> " + finding.action + "\n";
  }
  for (const std::string& program : judgement.programs) text += program + "\n";
  return text;
}

void check_truth(const Engine& engine, const Judgement& judgement, Truth truth, const std::string& file) {
  std::sort(truth.entries.begin(), truth.entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<std::string> programs = judgement.programs;
  std::sort(programs.begin(), programs.end());
  std::sort(truth.programs.begin(), truth.programs.end());
  const std::string shown = ":\n" + file + text_of(judgement);
  require(programs == truth.programs, "the programs" + shown);
  std::size_t right = 0;
  for (const auto& [name, is_right] : truth.entries) {
    const std::string subject = std::string(engine.what) + " \"" + name + "\"";
    const auto says = [&](bool wrong) {
      return std::any_of(judgement.findings.begin(), judgement.findings.end(),
                         [&](const runi::Finding& finding) {
                           return finding.what.starts_with(subject) && is_wrong(finding) == wrong;
                         });
    };
    require(says(false) == is_right && says(true) == !is_right, std::string(subject).append(shown));
    right += is_right ? 1 : 0;
  }
  const auto approved = std::count_if(judgement.findings.begin(), judgement.findings.end(),
                                      [](const runi::Finding& finding) { return !is_wrong(finding); });
  require(static_cast<std::size_t>(approved) == right, "approval of what is right alone" + shown);
  require(!truth.entries.empty() || judgement.findings.empty(), "nothing about what is not runi's" + shown);
}

// One file, and JSON.
void check_docker(Choices& choices) {
  Json runtimes = Json::object();
  for (auto count = choices.below(4); count > 0; --count) {
    Json& runtime = runtimes[a_name(choices)];
    runtime = Json::object();
    if (choices.yes()) runtime["options"] = {{"BinaryName", a_path(choices)}};
    if (choices.below(4) != 1) runtime["path"] = a_path(choices);
  }
  Truth truth;
  for (const auto& [name, runtime] : runtimes.items()) {
    const std::string other = runtime.value("options", Json::object()).value("BinaryName", "");
    add_entry(truth, name, runtime.value("path", other), true);
  }
  const std::string text = Json{{"runtimes", runtimes}, {"debug", true}}.dump(choices.yes() ? 2 : -1);
  const ConfigFile file = {"/etc/0", text};
  check_truth({"runtime", nullptr, nullptr, nullptr},
              whole(runi::judge_docker(file, looked_up(runi::programs_of_docker(file)))), truth, text);
}

void check_known(std::string_view bytes) {
  Choices choices(bytes);
  const std::size_t chosen = choices.below(std::size(kEngines) + 1);
  if (chosen == std::size(kEngines)) return check_docker(choices);
  const Engine& engine = kEngines[chosen];
  const Json first = engine.make(choices);
  const Json second = engine.make(choices);
  Json both = first;
  both.update(second, true);
  if (engine.make == make_crio) {
    // Of each handler the last table alone holds.
    for (const auto& [name, handler] : second["crio"]["runtime"]["runtimes"].items()) {
      both["crio"]["runtime"]["runtimes"][name] = handler;
    }
  }
  std::optional<std::string> expected;
  for (const auto spelling : {Spelling::tables, Spelling::dotted, Spelling::inlined}) {
    std::string texts[3];
    const Json* const files[] = {&both, &first, &second};
    for (std::size_t i = 0; i < 3; ++i) write_toml(*files[i], "", spelling, texts[i]);
    const std::vector<ConfigFile> one = {{"/etc/0", texts[0]}};
    const std::vector<ConfigFile> two = {{"/etc/1", texts[1]}, {"/etc/2", texts[2]}};
    const Judgement judgement = whole(engine.judge(one));
    if (!expected) {
      expected = text_of(judgement);
      check_truth(engine, judgement, engine.find_truth(both), texts[0]);
    }
    require(text_of(judgement) == expected,
            "the same in another spelling:\n" + texts[0] + text_of(judgement));
    const std::string parted = text_of(whole(engine.judge(two)));
    require(parted == expected, "the same in two files:\n" + texts[1] + "and\n" + texts[2] + parted);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = runi::as_text(data, size);
  check_any(input);
  check_known(input);
  return 0;
}
