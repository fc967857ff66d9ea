// The facts that runi needs of a container's config.json, and the places in its bytes where they stand.
#pragma once

#include "core/json.h"
#include "core/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class PidNamespace {
  own,     // made for this container: its first process is PID 1
  joined,  // of another container or process, by path
  none,    // the caller's, as a rule the host's
};

// What a mount has in it before anything is mounted on it.
enum class Content : std::uint8_t {
  unknown,
  of_source,     // it is a bind mount
  of_covered,    // a tmpfs to which what it covers is copied
  proc,          // links too, which lead out of it
  without_links  // or with such as lead nowhere else
};

struct Mount {
  std::string_view destination;  // as written
  bool tmpfs = false;            // false for a bind mount, whatever its type says
  bool searchable = true;  // false where a mode= option keeps others than its owner from looking up names
  Content content = Content::unknown;
  std::string_view source;  // as written
};

// One line of linux.uidMappings or gidMappings: host ids [host, host + size).
struct IdRange {
  std::uint64_t host = 0;
  std::uint64_t size = 0;
};

struct Annotation {
  std::string_view key;
  std::string_view value;
};

// Who the container's first process is, as far as files' modes ask.
struct User {
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::vector<std::uint64_t> groups;
  bool overrides_modes = true;  // its capabilities do, also after an execve
};

// All views live as long as the bytes that were parsed and the Spec both do.
struct Spec {
  std::vector<std::string_view> args;           // process.args; empty where there is no process to run
  std::optional<std::string_view> search_path;  // PATH in process.env; of several the last
  std::string_view cwd;                         // process.cwd
  User user;                                    // process.user
  // Nothing can be told from the four above: hooks have a say, or runtimes read one of them differently.
  bool command_unclear = false;
  bool has_listen_pidfd = false;               // LISTEN_PIDFDID may be in process.env
  std::vector<Mount> mounts;                   // in the order in which the runtime mounts them
  std::vector<std::string_view> masked_paths;  // linux.maskedPaths, as written
  std::vector<Annotation> annotations;
  PidNamespace pid_namespace = PidNamespace::none;
  bool one_process = false;        // it may have no second one
  bool unbindable = false;         // its root is, so that bind mounts may fail
  bool user_namespace = false;     // made or joined
  bool no_new_privileges = false;  // set-user-ID files have no effect
  bool may_kill = false;           // the process will have CAP_KILL in effect
  bool may_set_user = false;       // CAP_SETUID
  std::vector<IdRange> host_uids;  // what a user namespace maps; empty where it is joined
  std::vector<IdRange> host_gids;
  std::string_view root_path;  // relative to the bundle where it does not start with a slash

  // Places; null where the file has no such member. `args_value` is an array when `args` is not empty.
  const json::Value* args_value = nullptr;
  const json::Value* mounts_value = nullptr;       // an array or null
  const json::Value* annotations_value = nullptr;  // an object or null
  const json::Value* seccomp_value = nullptr;      // an object; what is in it is not looked at

  json::Document document;  // the members that are read, and no others

  // The value of an annotation, or nothing.
  [[nodiscard]] std::optional<std::string_view> annotation(std::string_view key) const;
};

// A destination as the runtimes take it when no link is on the way: absolute, without "." and "..", "//" and
// a last slash.
[[nodiscard]] std::string cleaned(std::string_view destination);

// Finds a member of an object that stands at `path`; a null pointer where there is none, or a null.
// Errors: it has another kind, or its name is one that runtimes read differently (below).
Result<const json::Value*> find_member(const json::Value& object, std::string_view path,
                                       std::string_view member, json::Kind kind);

// Reads the OCI runtime specification's config.md, the members named above only; all others may be anything.
// Errors: bytes that are not JSON; a member of those above with another type than the specification's; and
// names that runtimes read differently: one that appears twice (runc takes the last or merges, crun takes the
// first), or one that only Go's encoding/json takes for a member because it ignores case. Nor may any name or
// string have a NUL in it: crun takes it for the end.
Result<Spec> parse_spec(std::string_view bytes);

}  // namespace runi
