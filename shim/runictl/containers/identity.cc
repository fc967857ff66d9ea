#include "runictl/containers/identity.h"

#include "core/decide.h"
#include "core/engine_keys.h"
#include "core/json.h"
#include "core/spec.h"
#include "runictl/containers/proc_files.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace runi {
namespace {

using std::string_view;

bool is_hexadecimal(string_view text, std::size_t at_least) {
  return text.size() >= at_least && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

void fill(std::string& place, string_view text) {
  if (place.empty()) place = text;
}

// The pod's uid: of "kubepods-burstable-podUID.slice", with "_" for "-", or of "podUID" in a folder of
// kubepods.
std::string pod_uid_of(string_view part, string_view parent) {
  string_view uid = part.substr(0, part.find(".slice"));
  const bool is_slice = part.starts_with("kubepods");
  if (const auto at = uid.rfind("-pod"); is_slice && at != string_view::npos) uid.remove_prefix(at + 1);
  const bool in_folder = parent == "kubepods" || parent == "burstable" || parent == "besteffort";
  if (!uid.starts_with("pod") || !(is_slice || in_folder)) return {};
  std::string text(uid.substr(3));
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

// A part of a path that names a container: `before`, its id or name, `after`.
struct Form {
  string_view parent;  // the part before it; empty: any
  string_view before;
  string_view after;
  std::size_t digits;  // hexadecimal ones that the id has at least; 0: it is a name
  string_view engine;  // empty: not known
};

constexpr Form kForms[] = {
    {"", "cri-containerd-", "", 12, "containerd"},
    {"", "crio-", "", 12, "cri-o"},
    {"", "libpod-", "", 12, "podman"},
    {"", "docker-", "", 12, "docker"},
    {"", "nerdctl-", "", 12, "nerdctl"},
    {"", "buildah-", "", 12, "buildah"},
    {"docker", "", "", 12, "docker"},
    {"libpod_parent", "", "", 12, "podman"},
    {"lxc", "", "", 0, "lxc"},
    {"", "lxc.payload.", "", 0, "lxc"},
    {"", "machine-", ".scope", 0, "systemd-nspawn"},
    {"", "systemd-nspawn@", ".service", 0, "systemd-nspawn"},
    {"", "", "", 64, ""},
};

// Returns whether `part` has the form, with what it says.
bool take_form(const Form& form, string_view part, string_view parent, Identity& identity) {
  if (!form.parent.empty() && form.parent != parent) return false;
  if (!part.starts_with(form.before) || !part.ends_with(form.after)) return false;
  if (part.size() < form.before.size() + form.after.size()) return false;
  const string_view id =
      part.substr(form.before.size(), part.size() - form.before.size() - form.after.size());
  if (form.digits > 0 ? !is_hexadecimal(id, form.digits) : id.empty()) return false;
  identity.engine = form.engine;
  identity.id = id;
  if (form.digits == 0) identity.name = id;
  return true;
}

// What may have one of the forms: the part with and without ".scope"; of "SLICE:PREFIX:ID", which is the
// systemd form of a path, taken by a runtime that does not speak to systemd, "PREFIX-ID" and "ID".
std::vector<std::string> spellings_of(string_view part) {
  string_view name = part;
  if (name.ends_with(".scope")) name.remove_suffix(6);
  const auto colon = name.rfind(':');
  if (colon == string_view::npos) return {std::string(name), std::string(part)};
  const string_view prefix = name.substr(0, colon);
  const std::string id(name.substr(colon + 1));
  return {std::string(prefix.substr(prefix.rfind(':') + 1)) + "-" + id, id};
}

// One part of a cgroup's path, with `parent` the part before it.
void read_part(string_view part, string_view parent, Identity& identity) {
  if (identity.pod_uid.empty()) identity.pod_uid = pod_uid_of(part, parent);
  if (!identity.id.empty()) return;
  for (const std::string& spelling : spellings_of(part)) {
    for (const Form& form : kForms) {
      if (take_form(form, spelling, parent, identity)) return;
    }
  }
}

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

// Null where `object` is, or is no object, and where there is no such member.
const json::Value* find_member(const json::Value* object, string_view name, json::Kind kind) {
  if (object == nullptr || object->kind != json::Kind::object) return nullptr;
  for (const json::Value& member : object->children()) {
    if (member.key == name && member.kind == kind) return &member;
  }
  return nullptr;
}

string_view find_text(const json::Value* object, string_view name) {
  const json::Value* member = find_member(object, name, json::Kind::string);
  return member == nullptr ? string_view{} : member->text;
}

void read_first_user(const Spec& spec, Identity& identity) {
  const json::Value* process = find_member(&spec.document.root(), "process", json::Kind::object);
  const json::Value* capabilities = find_member(process, "capabilities", json::Kind::object);
  const json::Value* user = find_member(process, "user", json::Kind::object);
  const json::Value* uid = find_member(user, "uid", json::Kind::number);
  // In a user namespace its ids are others than ours.
  if (capabilities == nullptr || uid == nullptr || spec.user_namespace) return;
  std::uint64_t number = 0;
  const char* end = uid->text.data() + uid->text.size();
  const auto read = std::from_chars(uid->text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return;
  identity.first_uid = number;
  // capabilities(7): root executes with the bounding set, others with the ambient one.
  const json::Value* set =
      find_member(capabilities, *identity.first_uid == 0 ? "bounding" : "ambient", json::Kind::array);
  identity.signals_all = false;
  if (set == nullptr) return;
  for (const json::Value& name : set->children()) {
    if (name.text == "CAP_KILL" || name.text == "CAP_SETUID") identity.signals_all = true;
  }
}

}  // namespace

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
  const json::Value* mounts = find_member(&document->root(), "mounts", json::Kind::array);
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

}  // namespace runi
