#include "system/rootfs.h"

#include "core/decide.h"
#include "core/json.h"
#include "system/error.h"
#include "system/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <functional>
#include <map>
#include <optional>
#include <string_view>

namespace runi {
namespace {

// Links below /proc that lead out of it, or to another place for every process.
bool leads_out_of_proc(std::string_view name) {
  return name == "self" || name == "thread-self" || name == "mounts" || name == "net" ||
         name.find_first_not_of("0123456789") == std::string_view::npos;
}

// Finds where mounts land, one after the other: as the runtimes do, in the tree that the image and the mounts
// before make up. It follows the image's links and never leaves the root. It makes one call per part of a
// path, readlinkat(2), which every kernel has.
class Landings {
 public:
  Landings(int root, const std::string& bundle) : root_(root), bundle_(bundle) {}

  // The path without links and without a last slash, so that "" is the root. Errors: it cannot be known.
  Result<std::string> add(const Mount& mount) {
    auto landing = find(mount.destination);
    if (landing && mount.content != Content::of_covered) {
      mounted_.insert_or_assign(*landing, Mounted{++count_, &mount});
    }
    return landing;
  }

 private:
  static constexpr int kMostParts = 64;  // of a path and of the links on its way, all told

  struct Mounted {
    std::size_t number = 0;
    const Mount* mount = nullptr;
  };
  // What lies at a place: something of the last mount that covers it, or of the image.
  struct Ground {
    Mounted mounted;
    std::size_t begin = 0;  // where in the path the mount's own part begins
  };

  [[nodiscard]] Ground ground_of(std::string_view path) const {
    Ground ground;
    for (std::size_t end = 0;; end = std::min(path.find('/', end + 1), path.size())) {
      const auto found = mounted_.find(path.substr(0, end));
      if (found != mounted_.end() && found->second.number > ground.mounted.number) {
        ground = {found->second, end};
      }
      if (end == path.size()) return ground;
    }
  }

  // The target of the link at a path whose earlier parts are no links; nothing if it is not a link.
  Result<std::optional<std::string>> read_link(const std::string& path, const Ground& ground) const {
    int directory = root_;
    const char* place = path.c_str() + 1;
    std::string in_volume;
    if (const Mount* volume = ground.mounted.mount) {
      directory = AT_FDCWD;
      in_volume = std::string(volume->source) + path.substr(ground.begin);
      if (!volume->source.starts_with('/')) in_volume.insert(0, "/").insert(0, bundle_);
      place = in_volume.c_str();
    }
    std::array<char, 256> target{};
    const ssize_t length = readlinkat(directory, place, target.data(), target.size());
    if (length == static_cast<ssize_t>(target.size())) return Error{"a very long symbolic link"};
    if (length >= 0) {
      return std::optional<std::string>(std::string(target.data(), static_cast<std::size_t>(length)));
    }
    // What is missing the runtime makes; below a file it cannot.
    if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return last_error("read link");
  }

  // Where a part of a path leads that lies on this ground.
  Result<std::optional<std::string>> look_at(const std::string& path, std::string_view name,
                                             const Ground& ground) const {
    const Mount* const mount = ground.mounted.mount;
    if (mount == nullptr) return read_link(path, ground);
    if (mount->content == Content::of_source) {
      auto link = read_link(path, ground);
      // Other users of the volume may change the link at any moment.
      if (link && *link) return Error{"a symbolic link in a volume"};
      return link;
    }
    const bool plain = mount->content == Content::without_links ||
                       (mount->content == Content::proc && !leads_out_of_proc(name));
    if (plain) return std::optional<std::string>();
    return Error{"in a mount that does not exist yet"};
  }

  [[nodiscard]] Result<std::string> find(std::string_view destination) const {
    if (destination.size() >= PATH_MAX) return Error{"longer than a path can be"};
    std::string at;
    std::string next;
    std::string links;  // the target of the last link, and the rest of the path after it
    std::string_view rest = destination;
    for (int parts = 0; !rest.empty();) {
      const std::string_view name = rest.substr(0, rest.find('/'));
      rest.remove_prefix(std::min(name.size() + 1, rest.size()));
      if (name.empty() || name == ".") continue;
      if (++parts > kMostParts) return Error{"with too many parts or symbolic links"};
      if (name == "..") {
        at.erase(std::min(at.rfind('/'), at.size()));
        continue;
      }
      next.assign(at).append("/").append(name);
      auto link = look_at(next, name, ground_of(at));
      if (!link) return with_context(json::cite(next), link.error());
      if (!*link) {
        at.swap(next);
        continue;
      }
      if ((*link)->starts_with('/')) at.clear();
      (*link)->append("/").append(rest);
      links = std::move(**link);
      rest = links;
    }
    return at;
  }

  int root_;
  const std::string& bundle_;
  std::size_t count_ = 0;
  std::map<std::string, Mounted, std::less<>> mounted_;  // the last one at each landing
};

constexpr std::size_t kMostMounts = 10'000;  // no engine makes as many as a hundred

// Mounts whose destination leads through a symbolic link may land on a directory that the init's mount point
// would then be made in: that of the container's author, or the host's.
void find_aliases(int root, const std::string& bundle, const Spec& spec, Rootfs& rootfs) {
  const auto alias = [&rootfs](std::string_view path) {
    rootfs.root_is_aliased |= path.empty() || path == "/";
    rootfs.dev_is_aliased |= path == "/dev";
    rootfs.run_is_aliased |= path == "/run";
  };
  if (spec.mounts.size() > kMostMounts) {
    rootfs.doubt = "there are more mounts than are looked at, " + std::to_string(kMostMounts);
    return;
  }
  Landings landings(root, bundle);
  for (const Mount& mount : spec.mounts) {
    const auto landing = landings.add(mount);
    if (!landing) {
      rootfs.doubt = "where the mount " + json::cite(mount.destination) +
                     " lands cannot be known: " + landing.error().what;
      return;
    }
    if (*landing == mount.destination) continue;
    const std::string seems = cleaned(mount.destination);
    if (seems == *landing || (seems == "/" && landing->empty())) continue;
    alias(seems);
    alias(*landing);
  }
}

// Whether the directory has the name. `status` is of a link itself, not of its target.
Result<bool> is_there(int directory, const char* name, struct stat& status) {
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  return last_error(std::string(name) + " in the root directory");
}

// Errors: the directory cannot be looked at.
Result<void> look_into(int root, const std::string& bundle, const Spec& spec, Rootfs& rootfs) {
  struct stat status {};
  struct statvfs filesystem {};
  if (fstat(root, &status) < 0 || fstatvfs(root, &filesystem) < 0) return last_error("root directory");
  rootfs.writable = (filesystem.f_flag & ST_RDONLY) == 0;
  rootfs.owner_uid = status.st_uid;
  rootfs.owner_gid = status.st_gid;
  const auto dev = is_there(root, "dev", status);
  if (!dev) return dev.error();
  rootfs.dev_is_aliased = *dev && S_ISLNK(status.st_mode);
  const auto run = is_there(root, "run", status);
  if (!run) return run.error();
  rootfs.run_is_aliased = *run && S_ISLNK(status.st_mode);
  const auto target = is_there(root, kRootfsTarget.data() + 1, status);
  if (!target) return target.error();
  rootfs.target_exists = *target;
  rootfs.target_is_file = *target && S_ISREG(status.st_mode);
  find_aliases(root, bundle, spec, rootfs);
  return {};
}

}  // namespace

Fd open_root(const std::string& bundle, std::string_view root_path) {
  std::string path(root_path);
  if (path.front() != '/') path = bundle + "/" + path;
  return Fd(open(path.c_str(), O_PATH | O_DIRECTORY | kOpenFlags));
}

Rootfs look_at_rootfs(const std::string& bundle, const Spec& spec) {
  Rootfs rootfs;
  if (spec.root_path.empty()) return rootfs;
  const Fd root = open_root(bundle, spec.root_path);
  if (!root.is_open()) {
    // Without one, no runtime starts anything.
    if (errno != ENOENT && errno != ENOTDIR) rootfs.doubt = last_error("open the root directory").what;
    return rootfs;
  }
  rootfs.known = true;
  if (auto looked = look_into(root.number(), bundle, spec, rootfs); !looked) {
    rootfs.doubt = looked.error().what;
  }
  return rootfs;
}

}  // namespace runi
