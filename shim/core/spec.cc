#include "core/spec.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace runi {
namespace {

using json::Kind;
using json::Value;

// Each costs system calls, to see where it leads.
constexpr std::size_t kMostMounts = 10'000;

constexpr const char* kAppearsTwice = "appears twice; runtimes disagree on which one they use";

// Takes the first character off `name`, as Go's encoding/json sees it when it looks for a struct field: ASCII
// letters in lower case, and the two characters outside ASCII that fold to a letter: U+017F (long s) and
// U+212A (Kelvin sign). Source: Go, encoding/json/fold.go.
char take_folded(std::string_view& name) {
  const auto take = [&name](std::size_t bytes, char folded) {
    name.remove_prefix(bytes);
    return folded;
  };
  if (name.starts_with("\xC5\xBF")) return take(2, 's');
  if (name.starts_with("\xE2\x84\xAA")) return take(3, 'k');
  const char c = name.front();
  return take(1, c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
}

// Members' names are of small ASCII letters. Most others differ in the first already, and none is shorter.
bool fold_alike(std::string_view name, std::string_view member) {
  if (name.size() < member.size()) return false;
  const auto first = static_cast<unsigned char>(name.front());
  if (first < 0x80 && (first | 0x20U) != static_cast<unsigned char>(member.front())) return false;
  while (!name.empty() && !member.empty()) {
    if (take_folded(name) != take_folded(member)) return false;
  }
  return name.empty() && member.empty();
}

// Finds the member of an object; it has the kind or is null. A missing member is a null pointer, no error.
Result<const Value*> find(const Value& object, std::string_view path, std::string_view member, Kind kind) {
  const Value* found = nullptr;
  const auto error = [&](const std::string& what) {
    return Error{std::string(path) + "/" + std::string(member) + ": " + what};
  };
  for (const Value& value : object.children()) {
    if (value.key == member) {
      if (found != nullptr) return error(kAppearsTwice);
      found = &value;
    } else if (fold_alike(value.key, member)) {
      return error("also written in another case; runtimes disagree on which one they use");
    }
  }
  if (found != nullptr && found->kind != kind && found->kind != Kind::null) {
    return error("expected " + std::string(name_of(kind)) + ", found " + std::string(name_of(found->kind)));
  }
  return found;
}

bool is_null(const Value* value) {
  return value == nullptr || value->kind == Kind::null;
}

Result<std::string_view> find_text(const Value& object, std::string_view path, std::string_view member) {
  auto found = find_member(object, path, member, Kind::string);
  if (!found) return found.error();
  return *found == nullptr ? std::string_view{} : (*found)->text;
}

Error wrong_element(std::string_view path, Kind expected, Kind found) {
  return Error{std::string(path) + ": expected " + std::string(name_of(expected)) + " in it, found " +
               std::string(name_of(found))};
}

bool is_number(std::string_view text, std::uint64_t& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

Result<void> find_number(const Value& object, const std::string& path, std::string_view member,
                         std::uint64_t& target) {
  auto number = find_member(object, path, member, Kind::number);
  if (!number) return number.error();
  if (*number == nullptr || is_number((*number)->text, target)) return {};
  return Error{path + "/" + std::string(member) + ": expected a number of 0 or more, found " +
               json::cite_token((*number)->text)};
}

Result<void> read_environment(const Value& process, Spec& spec) {
  auto variables = find_member(process, "/process", "env", Kind::array);
  if (!variables) return variables.error();
  if (*variables == nullptr) return {};
  constexpr std::string_view kPath = "PATH=";
  for (const Value& variable : (*variables)->children()) {
    if (variable.kind != Kind::string) return wrong_element("/process/env", Kind::string, variable.kind);
    if (variable.text.starts_with(kPath)) spec.search_path = variable.text.substr(kPath.size());
    if (variable.text.starts_with("LISTEN_PIDFDID=")) spec.has_listen_pidfd = true;
  }
  return {};
}

// Whether a set of process.capabilities has one.
Result<bool> has_capability(const Value& capabilities, std::string_view set, std::string_view capability) {
  auto names = find_member(capabilities, "/process/capabilities", set, Kind::array);
  if (!names) return names.error();
  if (*names == nullptr) return false;
  for (const Value& name : (*names)->children()) {
    if (name.text == capability) return true;
  }
  return false;
}

// capabilities(7): root gets what its bounding set has at each execve, others what is ambient.
Result<void> read_user(const Value& process, Spec& spec) {
  auto user = find_member(process, "/process", "user", Kind::object);
  if (!user) return user.error();
  if (*user != nullptr) {
    const std::string path = "/process/user";
    if (auto read = find_number(**user, path, "uid", spec.user.uid); !read) return read;
    if (auto read = find_number(**user, path, "gid", spec.user.gid); !read) return read;
    auto groups = find_member(**user, path, "additionalGids", Kind::array);
    if (!groups) return groups.error();
    if (*groups != nullptr) {
      for (const Value& group : (*groups)->children()) {
        if (group.kind != Kind::number) {
          return wrong_element(path + "/additionalGids", Kind::number, group.kind);
        }
        std::uint64_t id = 0;
        if (is_number(group.text, id)) spec.user.groups.push_back(id);
      }
    }
  }
  spec.user.overrides_modes = spec.user.uid == 0;
  auto capabilities = find_member(process, "/process", "capabilities", Kind::object);
  if (!capabilities) return capabilities.error();
  if (*capabilities == nullptr) return {};
  constexpr std::string_view kOverride = "CAP_DAC_OVERRIDE";
  auto bounding = has_capability(**capabilities, "bounding", kOverride);
  if (!bounding) return bounding.error();
  auto effective = has_capability(**capabilities, "effective", kOverride);
  if (!effective) return effective.error();
  auto ambient = has_capability(**capabilities, "ambient", kOverride);
  if (!ambient) return ambient.error();
  spec.user.overrides_modes = (spec.user.uid == 0 && *bounding && *effective) || *ambient;
  const std::string_view set = spec.user.uid == 0 ? "bounding" : "ambient";
  auto kill = has_capability(**capabilities, set, "CAP_KILL");
  if (!kill) return kill.error();
  auto set_user = has_capability(**capabilities, set, "CAP_SETUID");
  if (!set_user) return set_user.error();
  spec.may_kill = *kill;
  spec.may_set_user = *set_user;
  return {};
}

Result<void> read_process(const Value& root, Spec& spec) {
  auto process = find_member(root, "", "process", Kind::object);
  if (!process) return process.error();
  if (*process == nullptr) return {};
  auto args = find_member(**process, "/process", "args", Kind::array);
  if (!args) return args.error();
  if (*args == nullptr) return {};
  for (const Value& arg : (*args)->children()) {
    if (arg.kind != Kind::string) return wrong_element("/process/args", Kind::string, arg.kind);
    spec.args.push_back(arg.text);
  }
  spec.args_value = *args;
  if (!read_environment(**process, spec)) spec.command_unclear = spec.has_listen_pidfd = true;
  auto restricted = find_member(**process, "/process", "noNewPrivileges", Kind::boolean);
  if (!restricted) return restricted.error();
  spec.no_new_privileges = *restricted != nullptr && (*restricted)->text == "true";
  auto cwd = find_text(**process, "/process", "cwd");
  if (cwd) spec.cwd = *cwd;
  if (!cwd || !read_user(**process, spec)) spec.command_unclear = true;
  return {};
}

// Hooks may put files into the root directory. Docker's own, in front of every container with a network, does
// not (libnetwork/sandbox_externalkey_unix.go).
Result<void> read_hooks(const Value& root, Spec& spec) {
  auto hooks = find_member(root, "", "hooks", Kind::object);
  if (!hooks) return hooks.error();
  if (*hooks == nullptr) return {};
  for (const std::string_view when : {"prestart", "createRuntime", "createContainer"}) {
    auto list = find_member(**hooks, "/hooks", when, Kind::array);
    if (!list) return list.error();
    if (*list == nullptr) continue;
    for (const Value& hook : (*list)->children()) {
      if (hook.kind != Kind::object) return wrong_element("/hooks", Kind::object, hook.kind);
      auto args = find_member(hook, "/hooks", "args", Kind::array);
      if (!args) return args.error();
      const bool is_dockers = *args != nullptr && !(*args)->children().empty() &&
                              (*(*args)->children().begin()).text == "libnetwork-setkey";
      if (!is_dockers) spec.command_unclear = true;
    }
  }
  return {};
}

// tmpfs(5): mode=, in octal. What is no number is for the kernel to refuse.
bool searchable_by_others(std::string_view mode) {
  unsigned bits = 0;
  const auto read = std::from_chars(mode.data(), mode.data() + mode.size(), bits, 8);
  return read.ec == std::errc{} && (bits & 1U) != 0;
}

// Of the kernel's own file systems only proc has links that lead out of it. A tmpfs begins empty.
Content content_of(std::string_view type) {
  for (const std::string_view plain : {"tmpfs", "devpts", "mqueue", "sysfs", "cgroup", "cgroup2"}) {
    if (type == plain) return Content::without_links;
  }
  if (type == "bind") return Content::of_source;
  return type == "proc" ? Content::proc : Content::unknown;
}

// In runc an option of bind or rbind makes a bind mount whatever the type says
// (libcontainer/specconv/spec_linux.go, createLibcontainerMount); crun does the same.
Result<void> read_mounts(const Value& root, Spec& spec) {
  auto mounts = find(root, "", "mounts", Kind::array);
  if (!mounts) return mounts.error();
  spec.mounts_value = *mounts;
  if (is_null(*mounts)) return {};
  std::size_t count = 0;
  for (const Value& entry : (*mounts)->children()) {
    if (++count > kMostMounts) {
      return Error{"/mounts: more than " + std::to_string(kMostMounts) + " to look at"};
    }
    if (entry.kind != Kind::object) return wrong_element("/mounts", Kind::object, entry.kind);
    auto destination = find_text(entry, "/mounts", "destination");
    if (!destination) return destination.error();
    auto type = find_text(entry, "/mounts", "type");
    if (!type) return type.error();
    auto source = find_text(entry, "/mounts", "source");
    if (!source) return source.error();
    auto options = find_member(entry, "/mounts", "options", Kind::array);
    if (!options) return options.error();
    Mount mount{*destination, *type == "tmpfs", true, content_of(*type), *source};
    if (*options != nullptr) {
      for (const Value& option : (*options)->children()) {
        if (option.text == "bind" || option.text == "rbind") mount.content = Content::of_source;
        if (option.text == "tmpcopyup" && mount.tmpfs) mount.content = Content::of_covered;
        if (option.text.starts_with("mode=")) mount.searchable = searchable_by_others(option.text.substr(5));
      }
    }
    if (mount.content == Content::of_source) mount.tmpfs = false;
    spec.mounts.push_back(mount);
  }
  return {};
}

Result<void> read_annotations(const Value& root, Spec& spec) {
  auto annotations = find(root, "", "annotations", Kind::object);
  if (!annotations) return annotations.error();
  spec.annotations_value = *annotations;
  if (is_null(*annotations)) return {};
  for (const Value& entry : (*annotations)->children()) {
    if (entry.kind != Kind::string) return wrong_element("/annotations", Kind::string, entry.kind);
    spec.annotations.push_back({entry.key, entry.text});
  }
  std::vector<std::string_view> keys;
  for (const Annotation& annotation : spec.annotations) keys.push_back(annotation.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) return Error{"/annotations/" + json::cite_token(*twice) + ": " + kAppearsTwice};
  return {};
}

Result<std::vector<IdRange>> read_mappings(const Value& linux_value, std::string_view member) {
  std::vector<IdRange> ranges;
  auto mappings = find_member(linux_value, "/linux", member, Kind::array);
  if (!mappings) return mappings.error();
  if (*mappings == nullptr) return ranges;
  const std::string path = "/linux/" + std::string(member);
  for (const Value& entry : (*mappings)->children()) {
    if (entry.kind != Kind::object) return wrong_element(path, Kind::object, entry.kind);
    IdRange range;
    for (const auto& [name, target] : {std::pair{"hostID", &range.host}, std::pair{"size", &range.size}}) {
      if (auto read = find_number(entry, path, name, *target); !read) return read.error();
    }
    ranges.push_back(range);
  }
  return ranges;
}

Result<void> read_masked_paths(const Value& linux_value, Spec& spec) {
  auto paths = find_member(linux_value, "/linux", "maskedPaths", Kind::array);
  if (!paths) return paths.error();
  if (*paths == nullptr) return {};
  for (const Value& path : (*paths)->children()) {
    if (path.kind != Kind::string) return wrong_element("/linux/maskedPaths", Kind::string, path.kind);
    spec.masked_paths.push_back(path.text);
  }
  return {};
}

// linux.resources.pids.limit: 0 and less is no limit.
Result<void> read_pids_limit(const Value& linux_value, Spec& spec) {
  auto resources = find_member(linux_value, "/linux", "resources", Kind::object);
  if (!resources) return resources.error();
  if (*resources == nullptr) return {};
  auto pids = find_member(**resources, "/linux/resources", "pids", Kind::object);
  if (!pids) return pids.error();
  if (*pids == nullptr) return {};
  auto limit = find_member(**pids, "/linux/resources/pids", "limit", Kind::number);
  if (!limit) return limit.error();
  spec.one_process = *limit != nullptr && (*limit)->text == "1";
  return {};
}

Result<void> read_linux(const Value& root, Spec& spec) {
  auto linux_value = find_member(root, "", "linux", Kind::object);
  if (!linux_value) return linux_value.error();
  if (*linux_value == nullptr) return {};
  auto namespaces = find_member(**linux_value, "/linux", "namespaces", Kind::array);
  if (!namespaces) return namespaces.error();
  if (*namespaces != nullptr) {
    for (const Value& entry : (*namespaces)->children()) {
      if (entry.kind != Kind::object) return wrong_element("/linux/namespaces", Kind::object, entry.kind);
      auto type = find_text(entry, "/linux/namespaces", "type");
      if (!type) return type.error();
      auto path = find_text(entry, "/linux/namespaces", "path");
      if (!path) return path.error();
      if (*type == "pid") {
        if (spec.pid_namespace != PidNamespace::none) {
          return Error{std::string("/linux/namespaces: the pid namespace ") + kAppearsTwice};
        }
        spec.pid_namespace = path->empty() ? PidNamespace::own : PidNamespace::joined;
      }
      if (*type == "user") spec.user_namespace = true;
    }
  }
  if (auto masked = read_masked_paths(**linux_value, spec); !masked) return masked.error();
  if (auto limited = read_pids_limit(**linux_value, spec); !limited) return limited.error();
  auto propagation = find_text(**linux_value, "/linux", "rootfsPropagation");
  if (!propagation) return propagation.error();
  spec.unbindable = *propagation == "unbindable" || *propagation == "runbindable";
  auto uids = read_mappings(**linux_value, "uidMappings");
  if (!uids) return uids.error();
  auto gids = read_mappings(**linux_value, "gidMappings");
  if (!gids) return gids.error();
  auto seccomp = find_member(**linux_value, "/linux", "seccomp", Kind::object);
  if (!seccomp) return seccomp.error();
  spec.seccomp_value = *seccomp;
  spec.host_uids = std::move(*uids);
  spec.host_gids = std::move(*gids);
  return {};
}

Result<void> read_root(const Value& root, Spec& spec) {
  auto filesystem = find_member(root, "", "root", Kind::object);
  if (!filesystem) return filesystem.error();
  if (*filesystem == nullptr) return {};
  auto path = find_text(**filesystem, "/root", "path");
  if (!path) return path.error();
  spec.root_path = *path;
  return {};
}

// All that is asked for above, and in seccomp_profile.cc. What is not here is in no Spec.
constexpr json::Wanted kUser[] = {{"uid"}, {"gid"}, {"additionalGids", {}, true}};
constexpr json::Wanted kCapabilities[] = {
    {"bounding", {}, true}, {"effective", {}, true}, {"ambient", {}, true}};
constexpr json::Wanted kProcess[] = {{"args", {}, true},  {"env", {}, true}, {"cwd"},
                                     {"noNewPrivileges"}, {"user", kUser},   {"capabilities", kCapabilities}};
constexpr json::Wanted kHook[] = {{"args", {}, true}};
constexpr json::Wanted kHooks[] = {{"prestart", kHook}, {"createRuntime", kHook}, {"createContainer", kHook}};
constexpr json::Wanted kMount[] = {{"destination"}, {"type"}, {"source"}, {"options", {}, true}};
constexpr json::Wanted kNamespace[] = {{"type"}, {"path"}};
constexpr json::Wanted kMapping[] = {{"hostID"}, {"size"}};
constexpr json::Wanted kCondition[] = {{"index"}, {"value"}, {"valueTwo"}, {"op"}};
constexpr json::Wanted kCalls[] = {{"names", {}, true}, {"action"}, {"errnoRet"}, {"args", kCondition}};
constexpr json::Wanted kSeccomp[] = {{"defaultAction"}, {"defaultErrnoRet"}, {"syscalls", kCalls}};
constexpr json::Wanted kPids[] = {{"limit"}};
constexpr json::Wanted kResources[] = {{"pids", kPids}};
constexpr json::Wanted kLinux[] = {
    {"namespaces", kNamespace}, {"resources", kResources}, {"rootfsPropagation"}, {"maskedPaths", {}, true},
    {"uidMappings", kMapping},  {"gidMappings", kMapping}, {"seccomp", kSeccomp}};
constexpr json::Wanted kRoot[] = {{"path"}};
constexpr json::Wanted kSpec[] = {{"process", kProcess},     {"hooks", kHooks}, {"mounts", kMount},
                                  {"annotations", {}, true}, {"linux", kLinux}, {"root", kRoot}};

}  // namespace

std::optional<std::string_view> Spec::annotation(std::string_view key) const {
  const auto found = std::find_if(annotations.begin(), annotations.end(),
                                  [key](const Annotation& annotation) { return annotation.key == key; });
  if (found == annotations.end()) return std::nullopt;
  return found->value;
}

std::string cleaned(std::string_view destination) {
  std::string path;
  while (!destination.empty()) {
    const auto slash = std::min(destination.find('/'), destination.size());
    const std::string_view part = destination.substr(0, slash);
    destination.remove_prefix(std::min(slash + 1, destination.size()));
    if (part == "..") path.resize(path.empty() ? 0 : path.rfind('/'));
    if (part.empty() || part == "." || part == "..") continue;
    path += '/';
    path += part;
  }
  return path.empty() ? "/" : path;
}

Result<const Value*> find_member(const Value& object, std::string_view path, std::string_view member,
                                 Kind kind) {
  auto found = find(object, path, member, kind);
  if (found && is_null(*found)) return nullptr;
  return found;
}

Result<Spec> parse_spec(std::string_view bytes) {
  auto document = json::Document::parse(bytes, kSpec, fold_alike);
  if (!document) return document.error();
  if (const auto text = document->with_nul()) {
    return Error{"a NUL in " + json::cite(*text) + "; runtimes disagree on where such a string ends"};
  }
  Spec spec;
  spec.document = std::move(*document);
  const Value& root = spec.document.root();
  if (root.kind != Kind::object) {
    return Error{"expected an object at the top, found " + std::string(name_of(root.kind))};
  }
  for (const auto read : {read_process, read_mounts, read_annotations, read_linux, read_root}) {
    if (auto done = read(root, spec); !done) return done.error();
  }
  if (!read_hooks(root, spec)) spec.command_unclear = true;
  return spec;
}

}  // namespace runi
