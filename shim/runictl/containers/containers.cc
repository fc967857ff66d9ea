#include "runictl/containers/containers.h"

#include "core/command_line.h"
#include "core/decide.h"
#include "core/engine_keys.h"
#include "core/init_systems.h"
#include "core/json.h"
#include "core/spec.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <iterator>
#include <tuple>

namespace runi {
namespace {

using std::string_view;

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::size_t index_of(int pid, std::span<const Process> processes) {
  const auto at = std::lower_bound(processes.begin(), processes.end(), pid,
                                   [](const Process& process, int wanted) { return process.pid < wanted; });
  if (at == processes.end() || at->pid != pid) return kNone;
  return static_cast<std::size_t>(at - processes.begin());
}

bool is_first(const Process& process) {
  return process.depth > 1 && process.number == 1;
}

template <typename Range>
bool contains(const Range& range, string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

// Assigns each process to the PID 1 of its namespace. A parent of the same depth is in the same namespace: to
// enter another takes a fork, whose child is then deeper than its parent or has been brought in from outside.
class Assignment {
 public:
  explicit Assignment(std::span<const Process> processes)
      : processes_(processes), owner_(processes.size(), kUnknown) {
    for (std::size_t i = 0; i < processes.size(); ++i) {
      if (is_first(processes[i])) owner_[i] = i;
      if (is_first(processes[i]) && processes[i].pid_namespace != 0) firsts_.push_back(i);
      if (processes[i].depth <= 1) owner_[i] = kNone;
    }
    std::sort(firsts_.begin(), firsts_.end(), [&processes](std::size_t a, std::size_t b) {
      return processes[a].pid_namespace < processes[b].pid_namespace;
    });
  }

  std::size_t owner_of(std::size_t index) {
    std::vector<std::size_t> path;
    std::size_t owner = kNone;
    // What was read while processes came and went can form a ring: a path is never longer than there are
    // processes.
    for (std::size_t at = index; path.size() <= processes_.size();) {
      if (owner_[at] != kUnknown) {
        owner = owner_[at];
        break;
      }
      path.push_back(at);
      const Process& process = processes_[at];
      if (process.pid_namespace != 0) {
        owner = find_first(process.pid_namespace);
        break;
      }
      const std::size_t parent = index_of(process.parent, processes_);
      if (parent == kNone || processes_[parent].depth != process.depth) break;
      at = parent;
    }
    for (const std::size_t passed : path) owner_[passed] = owner;
    return owner;
  }

 private:
  static constexpr std::size_t kUnknown = static_cast<std::size_t>(-2);

  std::size_t find_first(std::uint64_t pid_namespace) const {
    const auto at = std::lower_bound(
        firsts_.begin(), firsts_.end(), pid_namespace,
        [this](std::size_t index, std::uint64_t wanted) { return processes_[index].pid_namespace < wanted; });
    return at != firsts_.end() && processes_[*at].pid_namespace == pid_namespace ? *at : kNone;
  }

  std::span<const Process> processes_;
  std::vector<std::size_t> owner_;
  std::vector<std::size_t> firsts_;
};

bool is_hexadecimal(string_view text, std::size_t at_least) {
  return text.size() >= at_least && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// The names that engines put before an id, as "docker-ID.scope".
constexpr struct {
  string_view prefix;
  string_view engine;
} kPrefixes[] = {
    {"cri-containerd-", "containerd"}, {"crio-", "cri-o"},      {"libpod-", "podman"}, {"docker-", "docker"},
    {"nerdctl-", "nerdctl"},           {"buildah-", "buildah"},
};

// Folders below which each folder is called as its container.
constexpr struct {
  string_view folder;
  string_view engine;
} kFolders[] = {{"docker", "docker"}, {"lxc", "lxc"}, {"libpod_parent", "podman"}};

void fill(std::string& place, string_view text) {
  if (place.empty()) place = text;
}

// One part of a cgroup's path, with `parent` the part before it.
void read_part(string_view part, string_view parent, Identity& identity) {
  if (identity.pod_uid.empty()) {
    // "kubepods-burstable-podUID.slice" with "_" for "-", or "podUID".
    string_view uid = part;
    if (const auto at = uid.rfind("-pod"); uid.starts_with("kubepods") && at != string_view::npos) {
      uid.remove_prefix(at + 1);
    }
    if (const auto end = uid.find(".slice"); end != string_view::npos) uid = uid.substr(0, end);
    if (uid.starts_with("pod") && uid.size() > 3 &&
        (part.starts_with("kubepods") || parent == "kubepods" || parent == "burstable" ||
         parent == "besteffort")) {
      identity.pod_uid = uid.substr(3);
      std::replace(identity.pod_uid.begin(), identity.pod_uid.end(), '_', '-');
    }
  }
  string_view name = part;
  if (name.ends_with(".scope")) name.remove_suffix(6);
  // "SLICE:PREFIX:ID": the systemd form of a path, taken by a runtime that does not speak to systemd.
  if (const auto colon = name.rfind(':'); colon != string_view::npos) {
    const string_view prefix = name.substr(0, colon);
    if (prefix.ends_with("cri-containerd")) fill(identity.engine, "containerd");
    if (prefix.ends_with("crio")) fill(identity.engine, "cri-o");
    if (prefix.ends_with("docker")) fill(identity.engine, "docker");
    name.remove_prefix(colon + 1);
    if (is_hexadecimal(name, 12)) fill(identity.id, name);
    return;
  }
  for (const auto& known : kPrefixes) {
    if (!name.starts_with(known.prefix)) continue;
    const string_view id = name.substr(known.prefix.size());
    if (!is_hexadecimal(id, 12)) return;
    fill(identity.engine, known.engine);
    fill(identity.id, id);
    return;
  }
  for (const auto& known : kFolders) {
    if (parent != known.folder || !identity.id.empty()) continue;
    if (known.engine != "lxc" && !is_hexadecimal(name, 12)) continue;
    fill(identity.engine, known.engine);
    identity.id = name;
    return;
  }
  if (name.starts_with("lxc.payload.") && identity.id.empty()) {
    identity.engine = "lxc";
    identity.id = identity.name = name.substr(12);
  } else if (part.starts_with("machine-") && part.ends_with(".scope") && identity.id.empty()) {
    identity.engine = "systemd-nspawn";
    identity.id = identity.name = name.substr(8);
  } else if (part.starts_with("systemd-nspawn@") && part.ends_with(".service") && identity.id.empty()) {
    identity.engine = "systemd-nspawn";
    identity.id = identity.name = part.substr(15, part.size() - 15 - 8);
  } else if (is_hexadecimal(name, 64)) {
    fill(identity.id, name);
  }
}

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

constexpr string_view kRuntimes[] = {"runc", "crun", "runi", "youki"};

// Where annotations say it; for each fact the first that is there.
constexpr struct {
  std::string Identity::*fact;
  string_view keys[4];
} kAnnotations[] = {
    {&Identity::name, {kContainerdContainerName, kKubeletContainerName, kNerdctlName, kCrioName}},
    {&Identity::pod, {kContainerdPodName, kKubeletPodName, kCrioPodName}},
    {&Identity::pod_namespace, {kContainerdPodNamespace, kKubeletPodNamespace, kCrioPodNamespace}},
    {&Identity::pod_uid, {kContainerdPodUid, kKubeletPodUid}},
};

const json::Value* find_member(const json::Value& object, string_view name, json::Kind kind) {
  if (object.kind != json::Kind::object) return nullptr;
  for (const json::Value& member : object.children()) {
    if (member.key == name && member.kind == kind) return &member;
  }
  return nullptr;
}

string_view find_text(const json::Value* object, string_view name) {
  if (object == nullptr) return {};
  const json::Value* member = find_member(*object, name, json::Kind::string);
  return member == nullptr ? string_view{} : member->text;
}

constexpr string_view kShells[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"};
// One file, many programs: which of them it is, only the name it was called by tells.
constexpr string_view kMultiCall[] = {"busybox", "toybox", "coreutils", ""};

struct Names {
  string_view program;  // of the file; empty where it may not be seen, and where it tells nothing
  string_view process;  // as the process calls itself, 15 characters at most
  string_view word;     // its first argument, without the dash of a login shell
};

Names names_of(const Container& container) {
  Names names;
  string_view program = container.program;
  if (program.ends_with(" (deleted)")) program.remove_suffix(10);
  program = base_of(program);
  if (!contains(kMultiCall, program)) names.program = program;
  names.process = container.first.name;
  if (!container.arguments.empty()) names.word = base_of(container.arguments[0]);
  if (names.word.starts_with('-')) names.word.remove_prefix(1);
  return names;
}

bool is_shell(const Names& names) {
  if (!names.program.empty()) return contains(kShells, names.program);
  return contains(kShells, names.process) || contains(kShells, names.word);
}

// The name under which the predicate knows the program; empty where it knows none of them.
template <typename Predicate>
string_view known_name(const Names& names, Predicate is_known) {
  for (const string_view name : {names.program, names.process, names.word}) {
    if (!name.empty() && is_known(name)) return name;
  }
  return {};
}

// The runtime's own process, which becomes the container's when that is started. runc names it so; crun's is
// a copy of itself, with its command line.
bool is_not_started(const Names& names, const std::vector<std::string>& arguments) {
  if (names.process.starts_with("runc:[")) return true;
  return contains(kRuntimes, names.process) && !read_runtime(arguments).id.empty();
}

// By what its engine says, else by its command, as runi takes them for sandboxes (decide.cc).
bool is_sandbox(const Container& container) {
  const auto& words = container.arguments;
  if (container.identity.sandbox || words.empty()) return container.identity.sandbox;
  return words[0] == "/pause" || (base_of(words[0]) == "catatonit" && words.size() > 1 && words[1] == "-P");
}

std::string count_of(std::size_t count, string_view one, string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string text_of(Cause cause, const Container& container) {
  switch (cause) {
    case Cause::zombies: {
      std::string text = count_of(container.held_zombies, "zombie", "zombies");
      if (container.oldest_zombie_s) text += ", oldest " + format_age(*container.oldest_zombie_s);
      return text;
    }
    case Cause::shell: return "a shell that does not forward SIGTERM";
    case Cause::no_handler: return "no handler for SIGTERM";
  }
  return {};
}

// An init adopts in PID 1's place. Shells do not care, and who leaves zombies does not wait.
bool waits_perhaps(const Assessment& assessment, const Container& container) {
  return container.adopted > 0 && assessment.causes == std::vector{Cause::no_handler};
}

// kill(2): it may signal what has its own id as the real or the saved one.
bool init_would_reach(const Container& container) {
  const Identity& identity = container.identity;
  return identity.signals_all || !identity.first_uid || container.first.real_uid == *identity.first_uid ||
         container.first.saved_uid == *identity.first_uid;
}

std::string text_of(const Assessment& assessment, const Container& container) {
  std::string text;
  switch (assessment.verdict) {
    case Verdict::needs_init:
      text = "needs an init: ";
      for (const Cause cause : assessment.causes) {
        if (cause != assessment.causes.front()) text += "; ";
        text += text_of(cause, container);
      }
      if (waits_perhaps(assessment, container)) {
        text += "; yet it has adopted " + count_of(container.adopted, "process", "processes") +
                ", and if it waits for them it must stay PID 1";
      }
      break;
    case Verdict::no_help:
      text =
          "no init would help: without CAP_KILL and CAP_SETUID its signals would not reach the application, "
          "which "
          "has changed its user";
      break;
    case Verdict::ignores_sigterm: text = "ignores SIGTERM, which no init can change"; break;
    case Verdict::fine:
      text = sigterm_of(container.first) == Sigterm::blocked ? "fine: waits for SIGTERM, it seems"
                                                             : "fine: handles SIGTERM, no zombies";
      break;
    case Verdict::has_init: text = "has one: " + assessment.init; break;
    case Verdict::init_system: text = "is an init system: " + assessment.init; break;
    case Verdict::sandbox:
      text = "is a pod's sandbox";
      if (container.processes > 1) {
        text += ", and the init of " + count_of(container.processes - 1, "process", "processes");
      }
      break;
    case Verdict::not_started: text = "not started yet"; break;
  }
  if (assessment.verdict != Verdict::needs_init && container.held_zombies > 0) {
    text += ", yet " + text_of(Cause::zombies, container);
  }
  if (container.other_zombies > 0) {
    text += "; " + count_of(container.other_zombies, "zombie", "zombies") + " of another process";
  }
  return text;
}

std::size_t rank_of(const Assessment& assessment) {
  // Each cause counts, in the order of how soon it hurts: zombies end in a container that can start nothing.
  std::size_t rank = static_cast<std::size_t>(assessment.verdict) * 100;
  for (const Cause cause : {Cause::zombies, Cause::shell, Cause::no_handler}) {
    rank =
        rank * 2 +
        (std::find(assessment.causes.begin(), assessment.causes.end(), cause) == assessment.causes.end() ? 1
                                                                                                         : 0);
  }
  return rank;
}

}  // namespace

bool enters_namespace(const Process& process, std::span<const Process> processes) {
  if (process.depth <= 1) return false;
  if (process.number == 1) return true;
  const std::size_t parent = index_of(process.parent, processes);
  return parent == kNone || processes[parent].depth != process.depth;
}

std::vector<PidNamespaceMembers> find_namespaces(std::span<const Process> processes) {
  Assignment assignment(processes);
  std::vector<PidNamespaceMembers> namespaces;
  std::vector<std::size_t> place(processes.size(), kNone);  // in `namespaces`, by the index of a PID 1
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (!is_first(processes[i]) || processes[i].state == 'Z' || processes[i].state == 'X') continue;
    place[i] = namespaces.size();
    namespaces.emplace_back().first = i;
  }
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const std::size_t owner = assignment.owner_of(i);
    const std::size_t parent = processes[i].zombie() ? index_of(processes[i].parent, processes) : kNone;
    const bool held = parent != kNone && parent != i && place[parent] != kNone;
    if (held) namespaces[place[parent]].held.push_back(i);
    if (owner == kNone || place[owner] == kNone) continue;
    namespaces[place[owner]].members.push_back(i);
    if (processes[i].zombie() && !held) namespaces[place[owner]].others.push_back(i);
  }
  return namespaces;
}

std::string title_of(const Identity& identity) {
  if (!identity.pod.empty()) {
    std::string title = identity.pod_namespace.empty() ? "" : identity.pod_namespace + "/";
    title += identity.pod;
    return identity.name.empty() ? title : title + "/" + identity.name;
  }
  if (!identity.name.empty()) return identity.name;
  return is_hexadecimal(identity.id, 32) ? identity.id.substr(0, 12) : identity.id;
}

Meant is_meant(const Identity& identity, string_view word) {
  if (word.empty()) return Meant::no;
  const bool in_pod = !identity.pod.empty();
  const bool is_name = !in_pod && word == identity.name;
  if (word == identity.id || word == title_of(identity) || is_name) return Meant::yes;
  return identity.id.starts_with(word) ? Meant::perhaps : Meant::no;
}

std::string version_of_init(string_view bytes) {
  // As `runi-init --version` says it: init/main.cc.
  constexpr string_view kBefore = "tini version ";
  constexpr string_view kAfter = " - git.runi-init";
  const auto end = bytes.find(kAfter);
  if (end == string_view::npos) return {};
  const auto begin = bytes.substr(0, end).rfind(kBefore);
  if (begin == string_view::npos) return {};
  return std::string(bytes.substr(begin + kBefore.size(), end - begin - kBefore.size()));
}

std::string title_of(const Container& container) {
  std::string title = title_of(container.identity);
  if (title.empty() && !container.outer_title.empty()) title = "in " + container.outer_title;
  return title;
}

Identity read_cgroup(string_view path) {
  // The innermost part that names a container counts, so that one within another is not taken for it; a
  // container may make cgroups of its own below.
  Identity identity;
  std::vector<string_view> parts;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  for (std::size_t i = parts.size(); i-- > 0;) {
    read_part(parts[i], i > 0 ? parts[i - 1] : string_view{}, identity);
  }
  return identity;
}

Supervisor read_supervisor(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const string_view program = base_of(words[0]);
  if (program.starts_with("containerd-shim")) return read_containerd_shim(words);
  if (program == "conmon") return read_conmon(words);
  if (contains(kRuntimes, program)) return read_runtime(words);
  return {};
}

namespace {

void read_first_user(const Spec& spec, Identity& identity) {
  const json::Value* process = find_member(spec.document.root(), "process", json::Kind::object);
  const json::Value* capabilities =
      process == nullptr ? nullptr : find_member(*process, "capabilities", json::Kind::object);
  const json::Value* user = process == nullptr ? nullptr : find_member(*process, "user", json::Kind::object);
  const json::Value* uid = user == nullptr ? nullptr : find_member(*user, "uid", json::Kind::number);
  // In a user namespace its ids are others than ours.
  if (capabilities == nullptr || uid == nullptr || spec.user_namespace) return;
  std::uint64_t number = 0;
  const char* end = uid->text.data() + uid->text.size();
  const auto read = std::from_chars(uid->text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return;
  identity.first_uid = number;
  // capabilities(7): root executes with the bounding set, others with the ambient one.
  const json::Value* set =
      find_member(*capabilities, *identity.first_uid == 0 ? "bounding" : "ambient", json::Kind::array);
  identity.signals_all = false;
  if (set == nullptr) return;
  for (const json::Value& name : set->children()) {
    if (name.text == "CAP_KILL" || name.text == "CAP_SETUID") identity.signals_all = true;
  }
}

}  // namespace

bool may_supervise(string_view name) {
  return name == "containerd-shim" || name == "conmon" || contains(kRuntimes, name);
}

bool read_bundle(string_view config, Identity& identity) {
  auto spec = parse_spec(config);
  if (!spec) return false;
  identity.sandbox = find_sandbox_mark(*spec).has_value();
  read_first_user(*spec, identity);
  for (const auto& row : kAnnotations) {
    for (const string_view key : row.keys) {
      if (key.empty()) continue;
      if (const auto value = spec->annotation(key)) fill(identity.*row.fact, *value);
    }
  }
  return true;
}

std::string find_docker_folder(string_view config, string_view id) {
  auto document = json::Document::parse(config, json::Comments::refused);
  if (!document) return {};
  const json::Value* mounts = find_member(document->root(), "mounts", json::Kind::array);
  if (mounts == nullptr) return {};
  for (const json::Value& mount : mounts->children()) {
    if (find_text(&mount, "destination") != "/etc/hostname") continue;
    const string_view source = find_text(&mount, "source");
    const auto slash = source.rfind('/');
    if (!source.starts_with('/') || slash == 0) return {};
    const string_view folder = source.substr(0, slash);
    // A volume of the user's on /etc/hostname is no business of dockerd's.
    return base_of(folder) == id ? std::string(folder) : std::string{};
  }
  return {};
}

void read_docker_state(string_view bytes, Identity& identity) {
  auto document = json::Document::parse(bytes, json::Comments::refused);
  if (!document) return;
  string_view name = find_text(&document->root(), "Name");
  if (name.starts_with('/')) name.remove_prefix(1);
  fill(identity.name, name);
}

void read_environment(string_view environment, Identity& identity) {
  const auto host = find_variable(environment, "HOSTNAME");
  if (host && find_variable(environment, "KUBERNETES_SERVICE_HOST") && identity.pod.empty()) {
    identity.pod = *host;
  }
  if (const auto engine = find_variable(environment, "container"); engine && *engine != "oci") {
    fill(identity.engine, *engine);
  }
}

void split_kubernetes_name(Identity& identity) {
  string_view rest = identity.name;
  if (!rest.starts_with("k8s_")) return;
  std::vector<string_view> parts;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('_'), rest.size());
    parts.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (parts.size() < 5) return;
  fill(identity.pod, parts[2]);
  fill(identity.pod_namespace, parts[3]);
  fill(identity.pod_uid, parts[4]);
  identity.name = std::string(parts[1]);
}

Sigterm sigterm_of(const Process& first) {
  constexpr std::uint64_t kBit = std::uint64_t{1} << (SIGTERM - 1);
  if ((first.caught & kBit) != 0) return Sigterm::handled;
  // The kernel unblocks what is waited for while it is waited for: kernel/signal.c, do_sigtimedwait.
  if ((first.blocked & kBit) != 0 || first.waits_for_signals) return Sigterm::blocked;
  return (first.ignored & kBit) != 0 ? Sigterm::ignored : Sigterm::dropped;
}

string_view name_of(Sigterm sigterm) {
  switch (sigterm) {
    case Sigterm::dropped: return "dropped";
    case Sigterm::ignored: return "ignored";
    case Sigterm::blocked: return "blocked";
    case Sigterm::handled: return "handled";
  }
  return "unknown";
}

string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::needs_init: return "needs-init";
    case Verdict::no_help: return "no-help";
    case Verdict::ignores_sigterm: return "ignores-sigterm";
    case Verdict::fine: return "fine";
    case Verdict::has_init: return "has-init";
    case Verdict::init_system: return "init-system";
    case Verdict::sandbox: return "sandbox";
    case Verdict::not_started: return "not-started";
  }
  return "unknown";
}

string_view name_of(Cause cause) {
  switch (cause) {
    case Cause::zombies: return "zombies";
    case Cause::shell: return "shell";
    case Cause::no_handler: return "no-sigterm-handler";
  }
  return "unknown";
}

Assessment assess(const Container& container) {
  Assessment assessment;
  const Names names = names_of(container);
  const bool shell = is_shell(names);
  const string_view init = shell ? string_view{} : known_name(names, is_init);
  const string_view system = shell ? string_view{} : known_name(names, is_init_system);
  if (is_not_started(names, container.arguments)) {
    assessment.verdict = Verdict::not_started;
  } else if (is_sandbox(container)) {
    assessment.verdict = Verdict::sandbox;
  } else if (container.is_runi_init || !init.empty()) {
    assessment.verdict = Verdict::has_init;
    assessment.init = init.starts_with('.') ? init.substr(1) : init;
    if (container.is_runi_init && assessment.init != "runi-init") {
      assessment.init = assessment.init.empty() ? "runi-init" : "runi-init, called " + assessment.init;
    }
  } else if (!system.empty()) {
    assessment.verdict = Verdict::init_system;
    assessment.init = system;
  } else {
    if (container.held_zombies > 0) assessment.causes.push_back(Cause::zombies);
    const Sigterm sigterm = sigterm_of(container.first);
    // A shell never waits for it: it blocks signals for a moment when it starts a command.
    const bool dropped = sigterm == Sigterm::dropped || (shell && sigterm == Sigterm::blocked);
    if (dropped) assessment.causes.push_back(shell ? Cause::shell : Cause::no_handler);
    if (!assessment.causes.empty()) {
      assessment.verdict = init_would_reach(container) ? Verdict::needs_init : Verdict::no_help;
    } else {
      assessment.verdict = sigterm == Sigterm::ignored ? Verdict::ignores_sigterm : Verdict::fine;
    }
  }
  assessment.text = text_of(assessment, container);
  return assessment;
}

bool is_worse(const Container& a, const Assessment& of_a, const Container& b, const Assessment& of_b) {
  const auto key = [](const Container& container, const Assessment& assessment) {
    return std::tuple(rank_of(assessment), -static_cast<std::int64_t>(container.held_zombies),
                      title_of(container), container.first.pid);
  };
  return key(a, of_a) < key(b, of_b);
}

std::string format_age(std::uint64_t seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  if (seconds < 2 * kMinute) return std::to_string(seconds) + "s";
  if (seconds < 2 * kHour) return std::to_string(seconds / kMinute) + "m";
  if (seconds < 2 * kDay) return std::to_string(seconds / kHour) + "h";
  return std::to_string(seconds / kDay) + "d";
}

}  // namespace runi
