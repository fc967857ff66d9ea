#include "runictl/engines/effective.h"

#include "runictl/engines/containerd_tables.h"

#include <algorithm>
#include <array>
#include <set>

namespace runi {
namespace {

using std::string_view;
using Kind = TomlValue::Kind;
using Path = std::vector<std::string>;

// A table that only one side has is compared with an empty one, so that each of its values has its path.
void compare(const TomlValue* before, const TomlValue* after, Path& path, std::vector<Path>& differing) {
  static const TomlValue nothing;
  const TomlValue* some = before != nullptr ? before : after;
  const bool tables = some->kind == Kind::table && (after == nullptr || after->kind == Kind::table);
  if (!tables) {
    const bool same = before != nullptr && after != nullptr && before->kind == after->kind &&
                      toml_line(*before) == toml_line(*after);
    if (!same) differing.push_back(path);
    return;
  }
  if ((before == nullptr || after == nullptr) && some->children.empty()) differing.push_back(path);
  std::set<std::string> keys;
  for (const TomlValue* side : {before, after}) {
    for (const TomlValue& child : (side == nullptr ? nothing : *side).children) keys.insert(child.key);
  }
  for (const std::string& key : keys) {
    path.push_back(key);
    compare(before == nullptr ? nullptr : before->member(key),
            after == nullptr ? nullptr : after->member(key), path, differing);
    path.pop_back();
  }
}

template <typename Keys>
const TomlValue* at(const TomlValue& root, const Keys& path) {
  const std::vector<string_view> keys(path.begin(), path.end());
  return descend(&root, keys);
}

bool starts_with(const Path& path, std::span<const string_view> beginning) {
  return path.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), path.begin());
}

std::string joined_keys(const Path& path) {
  std::string text;
  for (const std::string& key : path) text += (text.empty() ? "" : ".") + toml_key(key);
  return text;
}

// A handler's option, plugins.CRI.containerd.runtimes.HANDLER.options.KEY, that is as good as left out:
// containerd lists all options of its built-in runc, and of others those that somebody has set.
bool is_unset_option(const Path& path, const TomlValue* before, const TomlValue* after) {
  if (path.size() < 6 || path.size() > 7 || path[3] != "runtimes" || path[5] != "options") return false;
  const auto nothing = [](const TomlValue* value) { return value == nullptr || says_nothing(*value); };
  return nothing(before) && nothing(after);
}

// The imports without those that do not count.
void forget_imports(TomlValue& root, std::span<const std::string> files) {
  for (TomlValue& child : root.children) {
    if (child.key != "imports" || child.kind != Kind::array) continue;
    std::erase_if(child.children, [files](const TomlValue& import) {
      return import.text && std::find(files.begin(), files.end(), *import.text) != files.end();
    });
  }
}

struct Both {
  TomlValue before;
  TomlValue after;
};

Result<Both> parse_both(const ConfigFile& before, const ConfigFile& after) {
  TomlDocument first = parse_toml(before);
  if (!first.error.empty()) return Error{before.path + ": not valid TOML: " + first.error};
  TomlDocument second = parse_toml(after);
  if (!second.error.empty()) return Error{after.path + ": not valid TOML: " + second.error};
  return Both{std::move(first.root), std::move(second.root)};
}

}  // namespace

std::vector<Path> differing_paths(const TomlValue& before, const TomlValue& after) {
  std::vector<Path> differing;
  Path path;
  compare(&before, &after, path, differing);
  return differing;
}

Result<EffectiveChange> change_of_containerd(const ConfigFile& before, const ConfigFile& after,
                                             string_view handler, std::span<const std::string> files) {
  auto both = parse_both(before, after);
  if (!both) return both.error();
  forget_imports(both->before, files);
  forget_imports(both->after, files);
  EffectiveChange change;
  for (const Path& path : differing_paths(both->before, both->after)) {
    const bool ours =
        std::any_of(std::begin(kCriPlugins), std::end(kCriPlugins), [&](const string_view plugin) {
          return starts_with(path, std::array{string_view("plugins"), plugin, string_view("containerd"),
                                              string_view("runtimes"), handler});
        });
    if (ours) {
      change.ours.push_back(joined_keys(path));
    } else if (!is_unset_option(path, at(both->before, path), at(both->after, path))) {
      change.others.push_back(joined_keys(path));
    }
  }
  return change;
}

Result<EffectiveChange> change_of_table(const ConfigFile& before, const ConfigFile& after,
                                        std::span<const string_view> table) {
  auto both = parse_both(before, after);
  if (!both) return both.error();
  EffectiveChange change;
  for (const Path& path : differing_paths(both->before, both->after)) {
    (starts_with(path, table) ? change.ours : change.others).push_back(joined_keys(path));
  }
  return change;
}

}  // namespace runi
