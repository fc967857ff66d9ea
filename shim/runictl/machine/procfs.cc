#include "runictl/machine/procfs.h"

#include "core/decide.h"
#include "core/init_systems.h"
#include "core/settings.h"
#include "runictl/containers/running_init.h"
#include "runictl/containers/verdict.h"
#include "runictl/machine/machine.h"
#include "system/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <memory>
#include <set>

namespace runi {
namespace {

constexpr std::size_t kMaxStatus = 1 << 20;  // a process may be in 65,536 groups
constexpr std::size_t kMaxText = 256 << 10;
constexpr std::size_t kMaxInit = 64 << 10;
constexpr std::size_t kMostChildren = 100;

// The number in a link such as "pid:[4026531836]"; 0 where there is none.
std::uint64_t inode_of(const std::string& link) {
  const auto open = link.find('[');
  return open == std::string::npos ? 0 : std::strtoull(link.c_str() + open + 1, nullptr, 10);
}

std::optional<std::uint64_t> read_count(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, 32> text{};
  if (!fd.is_open() || ::read(fd.number(), text.data(), text.size() - 1) <= 0) return std::nullopt;
  if (std::strncmp(text.data(), "max", 3) == 0) return UINT64_MAX;
  return std::strtoull(text.data(), nullptr, 10);
}

// False: there is no bundle, or not one whose config.json can be read.
bool read_bundle_at(const Machine& root, const std::string& bundle, Identity& identity) {
  const auto read_there = [&root](const std::string& path) {
    auto text = root.read(path, kMaxSpecBytes);
    return text && *text ? std::move(**text) : std::string();
  };
  const std::string config = read_there(bundle + "/config.json");
  if (config.empty() || !read_bundle(config, identity)) return false;
  if (identity.engine != "docker") return true;
  if (const std::string folder = find_docker_folder(config, identity.id); !folder.empty()) {
    read_docker_state(read_there(folder + "/config.v2.json"), identity);
  }
  return true;
}

}  // namespace

Result<Procfs> Procfs::open(const std::string& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return last_error(folder);
  struct statfs status {};
  if (fstatfs(fd.number(), &status) < 0) return last_error(folder);
  if (status.f_type != PROC_SUPER_MAGIC) return Error{folder + ": not a proc file system"};
  Procfs proc(folder, std::move(fd));
  std::string mountinfo;
  proc.read_into("self/mountinfo", mountinfo, kMaxSpecBytes);
  proc.mounts_ = parse_mounts(mountinfo, folder);
  return proc;
}

// One read is enough for most files: proc gives each out whole if the buffer has room for it.
Procfs::Seen Procfs::read_into(const std::string& path, std::string& buffer, std::size_t max_bytes) const {
  buffer.clear();
  const Fd fd(openat(fd_.number(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.is_open()) return errno == EACCES || errno == EPERM ? Seen::refused : Seen::gone;
  const bool lines = path.ends_with("mountinfo");  // comes in pieces
  std::size_t filled = 0;
  for (;;) {
    buffer.resize(std::min(std::max<std::size_t>(4096, 2 * filled), max_bytes));
    const std::size_t room = buffer.size() - filled;
    const ssize_t got = room == 0 ? 0 : ::read(fd.number(), buffer.data() + filled, room);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EACCES || errno == EPERM ? Seen::refused : Seen::gone;
    filled += static_cast<std::size_t>(got);
    if (got == 0 || (static_cast<std::size_t>(got) < room && !lines)) break;
  }
  buffer.resize(filled);
  return Seen::yes;
}

std::string Procfs::read(int pid, const std::string& file, std::size_t max_bytes) const {
  std::string bytes;
  read_into(std::to_string(pid) + "/" + file, bytes, max_bytes);
  return bytes;
}

std::string Procfs::link(int pid, const std::string& file) const {
  const std::string path = std::to_string(pid) + "/" + file;
  std::array<char, PATH_MAX> target{};
  const ssize_t length = readlinkat(fd_.number(), path.c_str(), target.data(), target.size());
  return length <= 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(length));
}

Result<Population> Procfs::read_processes() const {
  // A descriptor of its own: a directory stream has a position, and closes what it was made of.
  const int fd = openat(fd_.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return last_error(folder_);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(fd), closedir);
  if (directory == nullptr) {
    const Fd closed(fd);
    return last_error(folder_);
  }
  Population population;
  std::string bytes;
  std::string path;
  while (const dirent* entry = readdir(directory.get())) {
    const char* name = static_cast<const char*>(entry->d_name);
    if (*name < '1' || *name > '9') continue;
    path.assign(name).append("/status");
    const Seen seen = read_into(path, bytes, kMaxStatus);
    if (seen == Seen::refused) ++population.unreadable;
    if (seen != Seen::yes) continue;
    if (auto process = parse_status(bytes)) population.processes.push_back(std::move(*process));
  }
  auto& processes = population.processes;
  std::sort(processes.begin(), processes.end(),
            [](const Process& a, const Process& b) { return a.pid < b.pid; });
  for (Process& process : processes) {
    if (enters_namespace(process, processes)) process.pid_namespace = inode_of(link(process.pid, "ns/pid"));
  }
  return population;
}

std::optional<std::uint64_t> Procfs::age_of(const Stat& stat) const {
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &now) < 0) return std::nullopt;
  const auto started = stat.start_ticks / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  const auto now_s = static_cast<std::uint64_t>(now.tv_sec);
  return now_s > started ? now_s - started : 0;
}

// The file that it executes is small and knows its name.
void Procfs::look_at_init(Container& container) const {
  const auto known = [](std::string_view name) { return is_init(name) || is_init_system(name); };
  const bool candidate = known(base_of(container.program)) || known(container.first.name) ||
                         (!container.arguments.empty() && known(base_of(container.arguments[0])));
  if (!candidate) return;
  if (container.program.empty()) {  // not to be seen: its name has to do
    const std::string& name = container.first.name;
    container.is_runi_init = name == "runi-init" || name == ".runi-init";
    return;
  }
  const std::string path = std::to_string(container.first.pid) + "/exe";
  const Fd fd(openat(fd_.number(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd.is_open() || fstat(fd.number(), &status) < 0 || !S_ISREG(status.st_mode)) return;
  if (status.st_size <= 0 || static_cast<std::size_t>(status.st_size) > kMaxInit) return;
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t got = pread(fd.number(), bytes.data(), bytes.size(), 0);
  container.is_runi_init =
      got == static_cast<ssize_t>(bytes.size()) && bytes.find("runi-init") != std::string::npos;
  if (container.is_runi_init) container.init_version = version_of_init(bytes);
}

// What it says of its bundle makes files be read, so it must be somebody who could read them anyway.
bool Procfs::is_trusted(const Process& supervisor) {
  return supervisor.depth == 1 && (supervisor.uid == 0 || supervisor.uid == geteuid());
}

void Procfs::read_bundle_of(const Process& parent, const Supervisor& supervisor, Identity& identity) const {
  // Below the process's own root, as it would find it: a container in the PID namespace of this /proc may
  // call itself a supervisor, and a link of its image must not lead to a file of the host's.
  const auto root = Machine::at(folder_ + "/" + std::to_string(parent.pid) + "/root");
  if (!root) return;
  std::string bundle = supervisor.bundle;
  if (supervisor.bundle_is_cwd || !bundle.starts_with('/')) bundle = link(parent.pid, "cwd") + "/" + bundle;
  if (supervisor.bundle_is_cwd && identity.id != supervisor.id) bundle += "../" + identity.id;
  (void)read_bundle_at(*root, bundle, identity);  // what it does not tell stays unknown
}

Result<std::vector<Bundle>> Procfs::bundles() const {
  auto population = read_processes();
  if (!population) return population.error();
  std::vector<Bundle> bundles;
  std::set<std::string> seen;
  const auto take = [&](const Machine& root, const std::string& path, Identity identity) {
    if (!seen.insert(path).second || !read_bundle_at(root, path, identity)) return;
    split_kubernetes_name(identity);
    bundles.push_back({path, std::move(identity)});
  };
  for (const Process& process : population->processes) {
    if (!is_trusted(process) || !may_supervise(process.name)) continue;
    const Supervisor supervisor = read_supervisor(parse_words(read(process.pid, "cmdline", kMaxText)));
    const auto root = Machine::at(folder_ + "/" + std::to_string(process.pid) + "/root");
    if (supervisor.engine.empty() || !root || !root->is_this()) continue;
    Identity identity;
    identity.engine = supervisor.engine;
    std::string bundle = supervisor.bundle;
    if (bundle.empty()) {
      bundle = link(process.pid, "cwd");
    } else if (!bundle.starts_with('/')) {
      bundle.insert(0, link(process.pid, "cwd") + "/");
    }
    if (!supervisor.bundle_is_cwd) {
      identity.id = supervisor.id;
      identity.name = supervisor.name;
      take(*root, bundle, identity);
      continue;
    }
    // A pod's containers have one supervisor, whose working directory is the sandbox's bundle.
    const std::string folder = bundle.substr(0, bundle.rfind('/'));
    for (const std::string& id : root->names_in(folder)) {
      identity.id = id;
      take(*root, std::string(folder).append("/").append(id), identity);
    }
  }
  return bundles;
}

Identity Procfs::identify(const Container& container, const Process* parent) const {
  const int pid = container.first.pid;
  const std::string text = read(pid, "cgroup", kMaxText);
  const std::vector<Cgroup> cgroups = parse_cgroups(text);
  Identity identity;
  for (const Cgroup& cgroup : cgroups) {
    const Identity here = read_cgroup(cgroup.path);
    if (identity.id.empty() && !here.id.empty()) identity = here;
  }
  if (parent != nullptr) {
    const Supervisor supervisor = read_supervisor(parse_words(read(parent->pid, "cmdline", kMaxText)));
    if (!supervisor.engine.empty()) {
      // containerd's namespaces tell docker and containerd apart, which cgroups of plain ids do not.
      identity.engine = identity.engine.empty() ? supervisor.engine : identity.engine;
      identity.name = supervisor.name;
      if (identity.id.empty()) identity.id = supervisor.id;
      if (is_trusted(*parent) && !identity.id.empty()) read_bundle_of(*parent, supervisor, identity);
    } else if (identity.id.empty()) {
      // Of a runtime that has ended: what it has called the cgroup, if it has made one.
      const std::string other = read(parent->pid, "cgroup", kMaxText);
      identity.id = base_of(find_own_path(cgroups, parse_cgroups(other)));
    }
  }
  read_environment(read(pid, "environ", kMaxText), identity);
  split_kubernetes_name(identity);
  return identity;
}

// The limit of any cgroup on the way up counts: Kubernetes sets it for the pod.
std::optional<PidsLimit> Procfs::read_pids(int pid) const {
  const std::string text = read(pid, "cgroup", kMaxText);
  std::string folder = find_pids_folder(parse_cgroups(text), mounts_);
  std::optional<PidsLimit> tightest;
  while (!folder.empty()) {
    const auto max = read_count(folder + "/pids.max");
    const auto current = max ? read_count(folder + "/pids.current") : std::nullopt;
    if (!current) break;
    const auto share = [](const PidsLimit& limit) {
      return static_cast<double>(limit.current) / static_cast<double>(std::max<std::uint64_t>(1, limit.max));
    };
    const PidsLimit here{*current, *max};
    if (here.max != UINT64_MAX && (!tightest || share(here) > share(*tightest))) tightest = here;
    folder.resize(std::min(folder.rfind('/'), folder.size() - 1));
  }
  return tightest;
}

Container Procfs::look_at(const Process& first, std::span<const Process> processes) const {
  Container container;
  container.first = first;
  container.first.waits_for_signals =
      parse_syscall(read(first.pid, "syscall", kMaxText)) == SYS_rt_sigtimedwait;
  container.program = link(first.pid, "exe");
  container.arguments = parse_words(read(first.pid, "cmdline", kMaxText));
  look_at_init(container);
  container.identity = identify(container, find_process(first.parent, processes));
  container.pids = read_pids(first.pid);
  if (const auto stat = parse_stat(read(first.pid, "stat", kMaxText))) container.age_s = age_of(*stat);
  return container;
}

// Only of those where it matters, and of the first of many.
std::size_t Procfs::count_adopted(const Container& container, std::span<const Process> processes) const {
  if (container.held_zombies > 0 || sigterm_of(container.first) != Sigterm::dropped) return 0;
  std::size_t looked_at = 0;
  std::size_t adopted = 0;
  for (const Process& process : processes) {
    if (process.parent != container.first.pid || process.zombie()) continue;
    if (++looked_at > kMostChildren) break;
    const auto stat = parse_stat(read(process.pid, "stat", kMaxText));
    if (stat && stat->session != 0 && find_process(stat->session, processes) == nullptr) ++adopted;
  }
  return adopted;
}

void Procfs::look_again(const std::vector<PidNamespaceMembers>& namespaces, Survey& survey) const {
  const auto any = std::any_of(namespaces.begin(), namespaces.end(), [](const PidNamespaceMembers& members) {
    return !members.held.empty() || !members.others.empty();
  });
  if (!any) return;
  timespec pause{0, kLookAgainMs * 1'000'000L};
  nanosleep(&pause, nullptr);  // cut short by a signal it is a quicker look, no worse
  const auto still = [&](std::size_t index) -> std::optional<Stat> {
    const Process& process = survey.population.processes[index];
    const auto stat = parse_stat(read(process.pid, "stat", kMaxText));
    if (!stat || stat->state != 'Z' || stat->parent != process.parent) return std::nullopt;
    return stat;
  };
  for (std::size_t i = 0; i < namespaces.size(); ++i) {
    Container& container = survey.containers[i];
    for (const std::size_t index : namespaces[i].held) {
      const auto stat = still(index);
      if (!stat) continue;
      ++container.held_zombies;
      if (const auto age = age_of(*stat)) {
        container.oldest_zombie_s = std::max(container.oldest_zombie_s.value_or(0), *age);
      }
    }
    const auto& others = namespaces[i].others;
    container.other_zombies = static_cast<std::size_t>(std::count_if(
        others.begin(), others.end(), [&](std::size_t index) { return still(index).has_value(); }));
  }
}

Result<Survey> Procfs::survey() const {
  auto population = read_processes();
  if (!population) return population.error();
  Survey survey;
  survey.population = std::move(*population);
  survey.hides_processes = mounts_.hides_processes;
  const auto& processes = survey.population.processes;
  const auto namespaces = find_namespaces(processes);
  std::vector<std::size_t> home(processes.size(), namespaces.size());  // by process, its namespace
  for (std::size_t i = 0; i < namespaces.size(); ++i) {
    for (const std::size_t index : namespaces[i].members) home[index] = i;
    survey.containers.push_back(look_at(processes[namespaces[i].first], processes));
    survey.containers.back().processes = namespaces[i].members.size();
  }
  for (Container& container : survey.containers) {
    const Process* parent = find_process(container.first.parent, processes);
    if (parent == nullptr || parent->depth <= 1) continue;
    const std::size_t outer = home[static_cast<std::size_t>(parent - processes.data())];
    if (outer == namespaces.size()) continue;
    const Container& around = survey.containers[outer];
    container.outer = around.first.pid;
    // The cgroup and the environment may be those of what it is in.
    if (container.identity.id == around.identity.id) container.identity = {};
  }
  look_again(namespaces, survey);
  for (Container& container : survey.containers) container.adopted = count_adopted(container, processes);
  return survey;
}

}  // namespace runi
