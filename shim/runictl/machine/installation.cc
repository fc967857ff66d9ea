#include "runictl/machine/installation.h"

#include "core/command_line.h"
#include "core/path.h"
#include "runictl/machine/programs.h"
#include "system/files.h"
#include "system/programs.h"

#include <sys/stat.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace runi {
namespace {

constexpr std::size_t kMaxProgramBytes = 64 << 20;

class Finder {
 public:
  explicit Finder(const Machine& machine) : machine_(machine) {}

  Installation find(const std::vector<std::string>& named) {
    find_own();
    for (const std::string& program : named) found_.named[program] = look_up(program);
    std::sort(found_.programs.begin(), found_.programs.end(),
              [](const RuniProgram& a, const RuniProgram& b) { return a.file.path < b.file.path; });
    std::sort(found_.leads.begin(), found_.leads.end(), [](const Lead& a, const Lead& b) {
      return std::tie(a.name, a.program) < std::tie(b.name, b.program);
    });
    return std::move(found_);
  }

 private:
  // Whether the file is a runi; each of those is noted once.
  bool take_runi(const Found& found) {
    const auto is_this = [&found](const RuniProgram& program) { return program.file.path == found.path; };
    if (std::any_of(found_.programs.begin(), found_.programs.end(), is_this)) return true;
    auto version = runi_version_of(found);
    if (!version) return false;
    found_.programs.push_back({facts_of(found), std::move(*version)});
    return true;
  }

  void add_lead(const std::string& name, const std::string& path, bool is_named_by_engine,
                const std::string& program) {
    const auto is_this = [&](const Lead& lead) { return lead.name == name && lead.program == program; };
    if (std::any_of(found_.leads.begin(), found_.leads.end(), is_this)) return;
    found_.leads.push_back({name, path, is_named_by_engine, program});
  }

  void find_own() {
    std::vector<std::string> candidates = program_candidates("runi");
    if (machine_.is_this()) candidates.insert(candidates.begin(), find_runi());
    for (const std::string& path : candidates) {
      if (path == kSelf) continue;
      auto found = machine_.find(path);
      if (!found) {
        found_.unseen.push_back({"runi", path, found.error().what});
      } else if (*found && take_runi(**found)) {
        found_.own = (*found)->path;
        add_lead("runi", path, false, found_.own);
        find_links(std::string(directory_of(path)), **found);
        return;
      }
    }
  }

  // Links to runi beside it are handlers too, by whatever name.
  void find_links(const std::string& directory, const Found& own) {
    for (const std::string& name : machine_.names_in(directory)) {
      const std::string path = joined(directory, name);
      auto found = machine_.find(path);
      if (!found || !*found) continue;
      const bool may_be_another = name.starts_with("runi-") || names_a_handler(name);
      if ((*found)->identity != own.identity && !may_be_another) continue;
      if (take_runi(**found)) add_lead(name, path, false, (*found)->path);
    }
  }

  // What an engine gets that looks for the program: the first that is there.
  Program look_up(const std::string& program) {
    for (const std::string& path : program_candidates(program)) {
      auto found = machine_.find(path);
      if (!found || !*found) continue;
      if (!take_runi(**found)) return Program::another;
      add_lead(std::string(base_name(program)), program, true, (*found)->path);
      return Program::runi;
    }
    return Program::missing;
  }

  const Machine& machine_;
  Installation found_;
};

}  // namespace

FileFacts facts_of(const Found& found) {
  return {found.path, found.mode, found.uid, found.label};
}

std::string read_program(const Found& found) {
  if (!S_ISREG(found.mode)) return {};
  auto bytes = read_text(found.handle, kMaxProgramBytes);
  return bytes && *bytes ? std::move(**bytes) : std::string();
}

std::optional<std::string> runi_version_of(const Found& found) {
  if (base_name(found.path) == "runictl") return std::nullopt;
  return version_of_runi(read_program(found));
}

Installation find_installation(const Machine& machine, const std::vector<std::string>& named) {
  return Finder(machine).find(named);
}

}  // namespace runi
