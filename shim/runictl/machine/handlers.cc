#include "runictl/machine/handlers.h"

#include "core/path.h"
#include "runictl/containers/running_init.h"
#include "runictl/machine/installation.h"
#include "runictl/machine/programs.h"
#include "system/files.h"
#include "system/programs.h"
#include "system/settings.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

namespace runi {
namespace {

constexpr std::string_view kSuffix = ".json";

// Whether something listens on /dev/log.
bool has_syslog() {
  const sockaddr_un address{AF_UNIX, "/dev/log"};
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const Fd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) return false;
    if (connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    if (errno == EAGAIN) return true;  // it has no room at this moment
  }
  return false;
}

// Where a program looks for its configuration, in this order.
std::vector<std::string> directories_of(const std::string& program) {
  std::vector<std::string> directories = {std::string(kConfigDirectory)};
  if (program.empty()) return directories;
  for (const std::string& directory : config_directories(program)) {
    if (directory != directories[0]) directories.push_back(directory);
  }
  return directories;
}

std::string file_of(const std::string& directory, const std::string& handler) {
  return joined(directory, handler + std::string(kSuffix));
}

class Configurations {
 public:
  Configurations(const Machine& machine, const Installation& installation)
      : machine_(machine), installation_(installation) {}

  std::vector<ConfigurationFile> read(const std::string& only) {
    add_directory(std::string(kConfigDirectory));
    for (const RuniProgram& program : installation_.programs) {
      for (const std::string& directory : directories_of(program.file.path)) add_directory(directory);
    }
    std::vector<ConfigurationFile> files;
    for (const std::string& directory : directories_) {
      for (const std::string& name : machine_.names_in(directory)) {
        if (!name.ends_with(kSuffix)) continue;
        const std::string handler = name.substr(0, name.size() - kSuffix.size());
        if (!only.empty() && handler != only && handler != "config") continue;
        if (auto file = read_file_of(directory, handler)) files.push_back(std::move(*file));
      }
    }
    return files;
  }

 private:
  // One directory may have several names.
  void add_directory(const std::string& directory) {
    auto found = machine_.find(directory);
    if (found && *found && seen_.insert((*found)->identity).second) directories_.push_back(directory);
  }

  // Empty where there is no such file.
  [[nodiscard]] std::optional<ConfigurationFile> read_file_of(const std::string& directory,
                                                              const std::string& handler) const {
    ConfigurationFile file;
    file.path = file_of(directory, handler);
    file.handler = handler;
    auto text = machine_.read(file.path, kMaxConfigBytes);
    if (text && !*text) return std::nullopt;
    if (directory != kConfigDirectory) file.hidden_by = find_preferred(handler);
    file.is_known = handler == "config" || is_known(directory, handler);
    if (!text) {
      file.unreadable = text.error();
      return file;
    }
    if (auto found = machine_.find(file.path); found && *found) file.file = facts_of(**found);
    if (auto config = parse_config(**text); !config) file.broken = config.error();
    return file;
  }

  // The file in the first directory that is read before all in the others.
  [[nodiscard]] std::string find_preferred(const std::string& handler) const {
    for (const std::string& name : {handler, std::string("config")}) {
      std::string path = file_of(std::string(kConfigDirectory), name);
      auto found = machine_.find(path);
      if (!found || *found) return path;
    }
    return {};
  }

  // Whether a name leads to a program that looks into the directory.
  [[nodiscard]] bool is_known(const std::string& directory, const std::string& handler) const {
    return std::any_of(installation_.leads.begin(), installation_.leads.end(), [&](const Lead& lead) {
      if (lead.name != handler) return false;
      const std::vector<std::string> read = directories_of(lead.program);
      return std::find(read.begin(), read.end(), directory) != read.end();
    });
  }

  const Machine& machine_;
  const Installation& installation_;
  std::vector<std::string> directories_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;
};

// Errors: the file that the handler reads is broken.
Result<Config> config_of(const Machine& machine, const std::string& handler, const std::string& program) {
  for (const std::string& directory : directories_of(program)) {
    for (const std::string& name : {handler, std::string("config")}) {
      auto text = machine.read(file_of(directory, name), kMaxConfigBytes);
      if (!text) return text.error();
      if (*text) return parse_config(**text);
    }
  }
  return Config();
}

class Follower {
 public:
  explicit Follower(const Machine& machine) : machine_(machine) {}

  void follow(const std::string& name, const std::string& program, const Config& config) {
    Handler handler;
    handler.name = name;
    handler.program = program;
    handler.config = config;
    follow_log(handler);
    follow_runtime(handler);
    follow_init(handler);
    facts_.handlers.push_back(std::move(handler));
  }

  Handlers take() { return std::move(facts_); }

 private:
  std::optional<Found> find(const std::string& subject, const std::string& path) {
    auto found = machine_.find(path);
    if (found) return std::move(*found);
    facts_.unseen.push_back({subject, path, found.error().what});
    return std::nullopt;
  }

  void follow_log(Handler& handler) const {
    if (handler.config.log.sink != LogSink::file) return;
    auto found = machine_.find(std::string(directory_of(handler.config.log.file)));
    if (found) handler.has_log_directory = *found && S_ISDIR((*found)->mode);
  }

  void follow_runtime(Handler& handler) {
    const bool is_named = !handler.config.runtime.empty();
    // The engine's PATH, which runi looks through last, is not known here.
    handler.runtime_candidates = is_named ? std::vector{handler.config.runtime} : runtime_candidates("");
    for (const std::string& path : handler.runtime_candidates) {
      const Runtime* runtime = find_runtime_at(path);
      if (runtime == nullptr) continue;
      if (!is_named && ((runtime->file.mode & 0111) == 0 || runtime->is_runi)) continue;
      handler.runtime = path;
      return;
    }
  }

  // Null where there is nothing at that path.
  const Runtime* find_runtime_at(const std::string& path) {
    const auto known = facts_.runtimes.find(path);
    if (known != facts_.runtimes.end()) return &known->second;
    const auto found = find("runtime", path);
    return found ? &facts_.runtimes.emplace(path, look_at_runtime(path, *found)).first->second : nullptr;
  }

  [[nodiscard]] Runtime look_at_runtime(const std::string& path, const Found& found) const {
    Runtime runtime;
    runtime.file = facts_of(found);
    runtime.is_runi = runi_version_of(found).has_value();
    const bool is_program = S_ISREG(found.mode) && (found.mode & 0111) != 0;
    if (is_program && !runtime.is_runi && machine_.is_this() && is_trusted(found)) {
      runtime.version = version_of(path);
    }
    return runtime;
  }

  void follow_init(Handler& handler) {
    const std::string& named = handler.config.init_path;
    if (!named.empty()) {
      handler.init_candidates = {named};
    } else if (!handler.program.empty()) {
      const auto beside = init_candidates(handler.program);
      handler.init_candidates.assign(beside.begin(), beside.end());
    }
    for (const std::string& path : handler.init_candidates) {
      const auto found = find("init", path);
      if (!found) continue;
      handler.init = path;
      if (!facts_.inits.contains(path)) facts_.inits.emplace(path, look_at_init(*found));
      return;
    }
  }

  [[nodiscard]] static InitFile look_at_init(const Found& found) {
    InitFile init;
    init.file = facts_of(found);
    // Devices are not to be opened, wherever a link may have led.
    const Result<void> checked = S_ISREG(found.mode) ? check_init(found.handle) : Error{"not a regular file"};
    if (!checked) init.fault = checked.error();
    init.version = version_of_init(read_program(found));
    return init;
  }

  const Machine& machine_;
  Handlers facts_;
};

}  // namespace

MachineFacts look_at_machine(const Machine& machine) {
  MachineFacts facts;
  facts.is_this = machine.is_this();
  facts.is_root = geteuid() == 0;
  facts.has_selinux = !machine.names_in("/sys/fs/selinux").empty();
  facts.has_syslog = !facts.is_this || has_syslog();
  return facts;
}

std::vector<ConfigurationFile> read_configurations(const Machine& machine, const Installation& installation,
                                                   const std::string& only) {
  return Configurations(machine, installation).read(only);
}

Handlers follow_handlers(const Machine& machine, const Installation& installation, const std::string& only) {
  Follower follower(machine);
  bool is_found = false;
  const auto follow = [&](const std::string& name, const std::string& program) {
    if (const auto config = config_of(machine, name, program)) follower.follow(name, program, *config);
  };
  for (const Lead& lead : installation.leads) {
    if (!only.empty() && lead.name != only) continue;
    is_found = true;
    follow(lead.name, lead.program);
  }
  if (!only.empty() && !is_found) follow(only, installation.own);
  return follower.take();
}

Handlers follow_handler(const Machine& machine, const std::string& name, const std::string& program,
                        const Config& config) {
  Follower follower(machine);
  follower.follow(name, program, config);
  return follower.take();
}

}  // namespace runi
