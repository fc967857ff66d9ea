#include "core/init_systems.h"

#include "core/json.h"
#include "core/path.h"

#include <algorithm>
#include <iterator>

namespace runi {
namespace {

using std::string_view;

// Programs that insist on being PID 1, or act as one, and whose names nothing else has.
constexpr string_view kNames[] = {
    "systemd",           "upstart", "runit-init", "openrc-init", "sysvinit", "s6-svscan", "s6-linux-init",
    "s6-overlay-suexec", "dinit",   "finit",      "sinit",       "procd",    "66-boot",   "system-manager",
};

// The same, with names that other things have too. As an argument they are recognised only in the directories
// where programs are.
constexpr string_view kCommonNames[] = {"init", "linuxrc", "preinit", "runit", "nosh", "launchd"};
constexpr string_view kProgramFolders[] = {"/",          "/bin/",           "/sbin/",          "/usr/bin/",
                                           "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"};

// Where s6 keeps programs that only run as PID 1 (s6-linux-init-maker(1); s6-overlay's rootfs).
constexpr string_view kFolders[] = {"/etc/s6-linux-init/", "/etc/s6/init/", "/package/admin/s6-overlay",
                                    "/run/s6/basedir/bin/"};

constexpr string_view kMultiCalls[] = {"busybox", "busybox.static", "toybox"};

template <typename Range>
bool contains(const Range& range, string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

bool is_path_of_one(string_view word) {
  if (!word.starts_with('/')) return false;
  const string_view name = base_name(word);
  if (contains(kNames, name)) return true;
  if (contains(kCommonNames, name) && contains(kProgramFolders, word.substr(0, word.size() - name.size()))) {
    return true;
  }
  return std::any_of(std::begin(kFolders), std::end(kFolders),
                     [word](string_view folder) { return word.starts_with(folder); });
}

// An option such as -c or -ec, after which shells, su(1) and others take a script.
bool announces_script(string_view word) {
  constexpr string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return word.size() > 1 && word.front() == '-' && word.back() == 'c' &&
         word.find_first_not_of(kLetters, 1) == string_view::npos;
}

// The word of a script that becomes an init system; empty where none does. This is not a shell's grammar: all
// that separates or quotes words ends one.
string_view in_script(string_view script) {
  constexpr string_view kSeparators = " \t\n;&|(){}\"'`";
  // If a script has only one command, the shell executes it in its own place.
  bool executed = true;
  while (!script.empty()) {
    const auto end = std::min(script.find_first_of(kSeparators), script.size());
    const string_view word = script.substr(0, end);
    script.remove_prefix(std::min(end + 1, script.size()));
    if (word.empty()) continue;
    if (is_path_of_one(word) || (executed && is_init_system(word))) return word;
    executed = word == "exec";
  }
  return {};
}

}  // namespace

std::span<const string_view> without_multi_call(std::span<const string_view> args) {
  return args.size() > 1 && contains(kMultiCalls, base_name(args[0])) ? args.subspan(1) : args;
}

bool is_init_system(string_view name) {
  return contains(kNames, name) || contains(kCommonNames, name);
}

std::optional<std::string> find_init_system(std::span<const string_view> args) {
  if (args.empty()) return std::nullopt;
  if (is_init_system(base_name(args[0]))) return "command " + json::cite(args[0]);
  for (std::size_t i = 1; i < args.size(); ++i) {
    if (is_path_of_one(args[i])) return "argument " + json::cite(args[i]);
    if (!announces_script(args[i - 1])) continue;
    if (const string_view word = in_script(args[i]); !word.empty()) {
      return json::cite(word) + " in argument " + json::cite(args[i]);
    }
  }
  return std::nullopt;
}

}  // namespace runi
