// Whether the configurations of container engines that name runi are right. Pure: files come as text, and
// what lies behind a path on that machine is asked of the caller. Hides the TOML library.
#pragma once

#include <cstdint>
#include <functional>
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
};

// The patterns of files that one of containerd imports, relative to that file's directory where they are not
// absolute.
[[nodiscard]] std::vector<std::string> containerd_imports(const ConfigFile& file);

// The version that a file of containerd says it is written in; 1 where it says none.
[[nodiscard]] std::int64_t containerd_version(const ConfigFile& file);

// How containerd treats several files that speak of the same plugin.
enum class Imports : std::uint8_t {
  replace,  // the last file's table counts alone: containerd 1.x
  merge,    // 2.x
};

// The main file, and after it those it imports, in order.
// Sources: containerd cmd/containerd/server/config, docs/cri/config.md; plugins' names by the file's version.
[[nodiscard]] Judgement judge_containerd(std::span<const ConfigFile> files, Imports imports,
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
