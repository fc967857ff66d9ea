// The facts about a container's root directory that the decision depends on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runi {

// Where the init appears in a container, in the order in which the places are tried.
inline constexpr std::string_view kDevTarget = "/dev/.runi-init";
inline constexpr std::string_view kRunTarget = "/run/.runi-init";
inline constexpr std::string_view kRootfsTarget = "/.runi-init";

// What looking for the command in the root file system has come to.
struct CommandLookup {
  enum class Result {
    may_start,       // as far as can be told
    no_path,         // it has no slash, and there is no PATH
    relative,        // PATH leads to it by an element that is not absolute, which runtimes refuse or take
    absent,          // there is certainly no such file
    not_executable,  // it is a directory, or a file without execute permission for anyone
    not_permitted,   // execute permission, or that to search a directory, is not for the container's user
  };
  Result result = Result::may_start;
  std::string path;  // in the container, of what is there; may be empty
  // The user that a set-user-ID file belongs to, as the host numbers it.
  std::optional<std::uint64_t> set_user = {};
};

// What decide() must know of the root file system, which the specification only names.
struct Rootfs {
  bool known = false;            // false: it is not there, and nothing below but doubt means anything
  std::string doubt;             // why it cannot be told where the mounts land; empty where it can
  bool writable = false;         // not on a read-only mount or file system
  bool root_is_aliased = false;  // through a symbolic link some mount lands on the root directory itself
  bool dev_is_aliased = false;  // … on /dev; or /dev is a link, so that what is mounted there lands elsewhere
  bool run_is_aliased = false;  // the same of /run
  bool target_is_file = false;  // kRootfsTarget exists already and is a regular file
  bool target_exists = false;   // it exists and may be anything
  std::uint64_t owner_uid = 0;  // of the root directory, in the caller's user namespace
  std::uint64_t owner_gid = 0;
  CommandLookup command;  // whatever `known` says
};

}  // namespace runi
