#include "runictl/containers/namespaces.h"

#include <algorithm>
#include <cstdint>

namespace runi {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::size_t index_of(int pid, std::span<const Process> processes) {
  const auto at = std::lower_bound(processes.begin(), processes.end(), pid,
                                   [](const Process& process, int wanted) { return process.pid < wanted; });
  if (at == processes.end() || at->pid != pid) return kNone;
  return static_cast<std::size_t>(at - processes.begin());
}

bool is_first(const Process& process) {
  return process.depth > 1 && process.number == 1;
}

// Assigns each process to the PID 1 of its namespace. A parent of the same depth is in the same namespace: to
// enter another takes a fork, whose child is then deeper than its parent or has been brought in from outside.
class Assignment {
 public:
  explicit Assignment(std::span<const Process> processes)
      : processes_(processes), owner_(processes.size(), kUnknown) {
    for (std::size_t i = 0; i < processes.size(); ++i) {
      if (is_first(processes[i])) owner_[i] = i;
      if (is_first(processes[i]) && processes[i].pid_namespace != 0) firsts_.push_back(i);
      if (processes[i].depth <= 1) owner_[i] = kNone;
    }
    std::sort(firsts_.begin(), firsts_.end(), [&processes](std::size_t a, std::size_t b) {
      return processes[a].pid_namespace < processes[b].pid_namespace;
    });
  }

  std::size_t owner_of(std::size_t index) {
    std::vector<std::size_t> path;
    std::size_t owner = kNone;
    // What was read while processes came and went can form a ring: a path is never longer than there are
    // processes.
    for (std::size_t at = index; path.size() <= processes_.size();) {
      if (owner_[at] != kUnknown) {
        owner = owner_[at];
        break;
      }
      path.push_back(at);
      const Process& process = processes_[at];
      if (process.pid_namespace != 0) {
        owner = find_first(process.pid_namespace);
        break;
      }
      const std::size_t parent = index_of(process.parent, processes_);
      if (parent == kNone || processes_[parent].depth != process.depth) break;
      at = parent;
    }
    for (const std::size_t passed : path) owner_[passed] = owner;
    return owner;
  }

 private:
  static constexpr std::size_t kUnknown = static_cast<std::size_t>(-2);

  std::size_t find_first(std::uint64_t pid_namespace) const {
    const auto at = std::lower_bound(
        firsts_.begin(), firsts_.end(), pid_namespace,
        [this](std::size_t index, std::uint64_t wanted) { return processes_[index].pid_namespace < wanted; });
    return at != firsts_.end() && processes_[*at].pid_namespace == pid_namespace ? *at : kNone;
  }

  std::span<const Process> processes_;
  std::vector<std::size_t> owner_;
  std::vector<std::size_t> firsts_;
};

}  // namespace

const Process* find_process(int pid, std::span<const Process> processes) {
  const std::size_t index = index_of(pid, processes);
  return index == kNone ? nullptr : &processes[index];
}

bool enters_namespace(const Process& process, std::span<const Process> processes) {
  if (process.depth <= 1) return false;
  if (process.number == 1) return true;
  const Process* parent = find_process(process.parent, processes);
  return parent == nullptr || parent->depth != process.depth;
}

std::vector<PidNamespaceMembers> find_namespaces(std::span<const Process> processes) {
  Assignment assignment(processes);
  std::vector<PidNamespaceMembers> namespaces;
  std::vector<std::size_t> place(processes.size(), kNone);  // in `namespaces`, by the index of a PID 1
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (!is_first(processes[i]) || processes[i].state == 'Z' || processes[i].state == 'X') continue;
    place[i] = namespaces.size();
    namespaces.emplace_back().first = i;
  }
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const std::size_t owner = assignment.owner_of(i);
    const std::size_t parent = processes[i].zombie() ? index_of(processes[i].parent, processes) : kNone;
    const bool held = parent != kNone && parent != i && place[parent] != kNone;
    if (held) namespaces[place[parent]].held.push_back(i);
    if (owner == kNone || place[owner] == kNone) continue;
    namespaces[place[owner]].members.push_back(i);
    if (processes[i].zombie() && !held) namespaces[place[owner]].others.push_back(i);
  }
  return namespaces;
}

}  // namespace runi
