// Whether the configurations of container engines that name runi are right. Pure: files come as text, and
// what lies behind a path on that machine is asked of the caller. Hides the TOML library.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class Severity : std::uint8_t { ok, note, warning, problem };

// "ok", "note", "warning", "problem".
[[nodiscard]] std::string_view name_of(Severity severity);

struct Finding {
  Severity severity = Severity::ok;
  std::string subject;  // what it is about: "containerd", "init"
  std::string what;
  std::string where;   // file, or file:line; may be empty
  std::string action;  // what to do; empty where there is nothing to do
};

struct ConfigFile {
  std::string path;
  std::string text;
};

enum class Program : std::uint8_t { runi, another, missing };
using LookUp = std::function<Program(const std::string& path)>;

struct Judgement {
  std::vector<Finding> findings;
  std::vector<std::string> programs;  // the paths of runi by which handlers call it
  bool names_runi = false;            // whether a handler is to be runi, even if it is not
};

// The patterns of files that one of containerd imports, relative to that file's directory where they are not
// absolute.
[[nodiscard]] std::vector<std::string> containerd_imports(const ConfigFile& file);

// How containerd makes one configuration of several files. It changed twice.
// Source: cmd/containerd/server/config/config.go of each, LoadConfig and mergeConfig; pkg/cri's
// configMigration.
enum class Merging : std::uint8_t {
  replaces,        // 1.x: of each plugin the last file's table counts alone
  merges_first,    // 2.0 to 2.2: tables are merged, and then migrated from the version that was read last
  migrates_first,  // 2.3 and later: each file is migrated, none may be of a later version than the main file
};

// From what `containerd --version` prints. Empty where that names no version.
[[nodiscard]] std::optional<Merging> merging_of(std::string_view version_line);

// The main file, and after it those it imports, in order. Where it is not known how they are merged, what
// holds for each way is said of that way; what is wrong in one but not in all of them is then a warning.
[[nodiscard]] Judgement judge_containerd(std::span<const ConfigFile> files, std::optional<Merging> merging,
                                         const LookUp& look_up);

// crio.conf and after it crio.conf.d, in order. Source: crio.conf(5), crio.conf.d(5).
[[nodiscard]] Judgement judge_crio(std::span<const ConfigFile> files, const LookUp& look_up);

// The files of containers.conf(5), in the order in which podman reads them.
[[nodiscard]] Judgement judge_podman(std::span<const ConfigFile> files, const LookUp& look_up);

// daemon.json. Source: dockerd(8), "runtimes".
[[nodiscard]] Judgement judge_docker(const ConfigFile& file, const LookUp& look_up);

// Whether a program of that base name could not be runi: crun and those that imitate it choose what they are
// by it.
[[nodiscard]] bool is_reserved_name(std::string_view program);

}  // namespace runi
