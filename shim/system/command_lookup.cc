#include "system/command_lookup.h"

#include "core/command_search.h"
#include "system/error.h"
#include "system/fd.h"
#include "system/rootfs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <string_view>
#include <vector>

namespace runi {
namespace {

using std::string_view;

constexpr int kMostLinks = 40;              // path_resolution(7)
constexpr std::size_t kMostMounts = 1'000;  // that are worth a look each

// What a path leads to. `maybe`: the runtime would start it, or that cannot be told.
enum class Answer { absent, not_executable, not_permitted, maybe };

// A directory, or a file that not even root may execute (execve(2), EACCES).
bool is_no_program(const struct stat& status) {
  return S_ISDIR(status.st_mode) || (status.st_mode & 0111) == 0;
}

// Whether the mode lets the container's user execute a file, or search a directory.
bool may_execute(const User& user, const struct stat& status) {
  if (user.overrides_modes) return true;
  if (user.uid == status.st_uid) return (status.st_mode & 0100) != 0;
  const bool in_group = user.gid == status.st_gid ||
                        std::find(user.groups.begin(), user.groups.end(), status.st_gid) != user.groups.end();
  return (status.st_mode & (in_group ? 0010 : 0001)) != 0;
}

// Whether an access control list may allow what the mode does not.
bool may_have_list(int fd) {
  const ssize_t size = getxattr(proc_path(fd).c_str(), "system.posix_acl_access", nullptr, 0);
  return size > 0 || (size < 0 && errno != ENODATA && errno != ENOTSUP);
}

std::vector<string_view> parts_of(string_view path) {
  std::vector<string_view> parts;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash != 0 && path.substr(0, slash) != ".") parts.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

bool is_below(string_view path, string_view directory) {
  return path == directory || (path.starts_with(directory) && path[directory.size()] == '/');
}

// The directories from a root down to the file that a walk has come to, without links.
class Way {
 public:
  explicit Way(int root) : root_(root) {}

  [[nodiscard]] int last() const { return open_.empty() ? root_ : open_.back().number(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  void down(Fd file, const std::string& name) {
    path_ += '/' + name;
    ends_.push_back(path_.size());
    open_.push_back(std::move(file));
  }

  // The root's parent is the root.
  void up() {
    if (open_.empty()) return;
    open_.pop_back();
    ends_.pop_back();
    path_.resize(ends_.empty() ? 0 : ends_.back());
  }

  void back_to_root() {
    open_.clear();
    ends_.clear();
    path_.clear();
  }

 private:
  int root_;
  std::vector<Fd> open_;           // without the root
  std::vector<std::size_t> ends_;  // of the name of each in path_
  std::string path_;
};

// The container's file tree before anything is mounted into it.
class Tree {
 public:
  Tree(Fd root, const Spec& spec) : root_(std::move(root)), spec_(spec) {}

  // One system call for most paths that lead nowhere. Mounts are left out of account.
  Answer glance(const std::string& path) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT;
    const Fd file(static_cast<int>(syscall(SYS_openat2, root_.number(), path.c_str(), &how, sizeof how)));
    if (!file.is_open()) return is_missing(errno) ? Answer::absent : Answer::maybe;
    struct stat status {};
    if (fstat(file.number(), &status) < 0) return Answer::maybe;
    if (is_no_program(status)) return Answer::not_executable;
    if ((status.st_mode & S_ISUID) != 0) set_user_ = status.st_uid;
    if (spec_.user_namespace || spec_.user.overrides_modes) return Answer::maybe;
    return walk(path, {}).found;
  }

  // The same, with all that mounts may change left open.
  Answer look(const std::string& path) {
    if (spec_.mounts.size() > kMostMounts) return Answer::maybe;
    if (landings_.empty()) {
      // The runtime makes these itself.
      landings_ = {"/dev", "/proc", "/sys"};
      for (const Mount& mount : spec_.mounts) landings_.push_back(walk(mount.destination, {}).path);
    }
    return walk(path, landings_).found;
  }

  // The owner of the last set-user-ID file that was glanced at.
  [[nodiscard]] std::optional<std::uint64_t> set_user() const { return set_user_; }

 private:
  struct End {
    Answer found = Answer::maybe;
    std::string path;  // without links, as far as there is something
  };

  // The end of a walk to a file that cannot be opened, with `todo` still to go. The runtime makes what is
  // missing of a mount's destination and of the working directory.
  static End nothing_at(std::string path, const std::vector<std::string>& todo,
                        const std::vector<std::string>& landings, int error) {
    const bool absent = is_missing(error) && std::find(todo.begin(), todo.end(), "..") == todo.end();
    for (auto part = todo.rbegin(); part != todo.rend(); ++part) path += "/" + *part;
    const bool certain = absent && !is_landing(path, landings);
    return {certain ? Answer::absent : Answer::maybe, std::move(path)};
  }

  // Goes along the path part by part. Where it comes below one of `landings`, it is at an end: what is there
  // cannot be told.
  End walk(string_view path, const std::vector<std::string>& landings) {
    if (path.size() >= PATH_MAX) return {Answer::maybe, ""};
    std::vector<std::string> todo;  // the next part last
    const auto push = [&todo](string_view more) {
      const auto parts = parts_of(more);
      todo.insert(todo.end(), parts.rbegin(), parts.rend());
    };
    push(path);
    Way way(root_.number());
    struct stat status {};
    bool permitted = true;
    for (int links = 0; !todo.empty();) {
      const std::string name = std::move(todo.back());
      todo.pop_back();
      if (name == "..") {
        way.up();
        continue;
      }
      if (fstat(way.last(), &status) < 0) return {Answer::maybe, way.path()};
      const std::string next = way.path() + '/' + name;
      if (!S_ISDIR(status.st_mode)) return {Answer::absent, next};
      permitted = permitted && allows(way.last(), status);
      if (is_landing(next, landings)) return {Answer::maybe, next};
      Fd file(openat(way.last(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (!file.is_open()) return nothing_at(next, todo, landings, errno);
      if (fstat(file.number(), &status) < 0) return {Answer::maybe, next};
      if (!S_ISLNK(status.st_mode)) {
        way.down(std::move(file), name);
        continue;
      }
      std::array<char, PATH_MAX> target{};
      const ssize_t length = readlinkat(file.number(), "", target.data(), target.size());
      if (length <= 0 || ++links > kMostLinks) return {Answer::maybe, next};
      if (target[0] == '/') way.back_to_root();
      push({target.data(), static_cast<std::size_t>(length)});
    }
    if (fstat(way.last(), &status) < 0) return {Answer::maybe, way.path()};
    if (is_no_program(status)) return {Answer::not_executable, way.path()};
    permitted = permitted && allows(way.last(), status);
    return {permitted ? Answer::maybe : Answer::not_permitted, way.path()};
  }

  bool allows(int fd, const struct stat& status) const {
    return spec_.user_namespace || may_execute(spec_.user, status) || may_have_list(fd);
  }

  static bool is_landing(string_view path, const std::vector<std::string>& landings) {
    return std::any_of(landings.begin(), landings.end(),
                       [path](const std::string& landing) { return is_below(path, landing); });
  }

  Fd root_;
  const Spec& spec_;
  std::optional<std::uint64_t> set_user_;
  std::vector<std::string> landings_;  // where mounts come to lie, without links
};

CommandLookup::Result result_of(Answer found) {
  switch (found) {
    case Answer::absent: return CommandLookup::Result::absent;
    case Answer::not_executable: return CommandLookup::Result::not_executable;
    case Answer::not_permitted: return CommandLookup::Result::not_permitted;
    case Answer::maybe: break;
  }
  return CommandLookup::Result::may_start;
}

}  // namespace

CommandLookup look_up_command(const std::string& bundle, const Spec& spec) {
  using Result = CommandLookup::Result;
  if (spec.args.empty() || spec.args[0].empty() || spec.root_path.empty()) return {};
  const auto candidates = command_candidates(spec);
  if (!candidates) return {};
  if (candidates->empty()) return {spec.command_unclear ? Result::may_start : Result::no_path, "", {}};
  Fd root = open_root(bundle, spec.root_path);
  if (!root.is_open()) return {};
  Tree tree(std::move(root), spec);
  // A second look only where the first has found nothing: it takes far more system calls.
  CommandLookup lookup;
  for (const auto look : {&Tree::glance, &Tree::look}) {
    lookup = {Result::absent, "", {}};
    for (const Candidate& candidate : *candidates) {
      const Answer found = (tree.*look)(candidate.path);
      if (found == Answer::maybe) {
        return {candidate.relative ? Result::relative : Result::may_start, candidate.path, tree.set_user()};
      }
      if (found != Answer::absent) lookup = {result_of(found), candidate.path, {}};
    }
    if (spec.command_unclear) return {};
  }
  return lookup;
}

}  // namespace runi
