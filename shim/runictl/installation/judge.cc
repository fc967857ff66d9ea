#include "runictl/installation/judge.h"

#include "core/command_line.h"
#include "core/path.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace runi {
namespace {

// Types of files that containers may be entered through; besides all that end in _exec_t. Source:
// container-selinux, container.te; domain_entry_file and the attribute exec_type.
constexpr std::string_view kEntryTypes[] = {
    "bin_t",   "container_ro_file_t", "container_file_t", "container_var_lib_t", "container_runtime_tmpfs_t",
    "fusefs_t"};

// Findings in the making, each once.
class Findings {
 public:
  void add(Severity severity, std::string subject, std::string what, std::string where = "",
           std::string action = "") {
    Finding finding{severity, std::move(subject), std::move(what), std::move(where), std::move(action)};
    if (std::find(all_.begin(), all_.end(), finding) == all_.end()) all_.push_back(std::move(finding));
  }

  void add_unseen(std::span<const Unseen> unseen) {
    for (const auto& [subject, path, why] : unseen) {
      add(Severity::note, subject, std::string(path).append(": ").append(why), "",
          "run this as root, or correct the path");
    }
  }

  // A file that decides what runs as root on this machine.
  void judge_owner(const std::string& subject, const std::string& path, const FileFacts& file) {
    if ((file.mode & 0022) != 0) {
      add(Severity::problem, subject, "writable by users other than its owner", path, "run chmod go-w on it");
    }
    if (file.uid != 0) {
      add(Severity::warning, subject, "belongs to user " + std::to_string(file.uid) + ", who can replace it",
          path, "run chown root on it, unless only that user's containers are meant");
    }
  }

  [[nodiscard]] std::size_t count() const { return all_.size(); }
  std::vector<Finding> take() { return std::move(all_); }

 private:
  std::vector<Finding> all_;
};

// The type in "user:role:type:level"; empty where there is none.
std::string type_in(std::string_view label) {
  for (int part = 0; part < 2; ++part) {
    const auto colon = label.find(':');
    if (colon == std::string_view::npos) return {};
    label.remove_prefix(colon + 1);
  }
  return std::string(label.substr(0, label.find(':')));
}

bool is_executable(const FileFacts& file) {
  return S_ISREG(file.mode) && (file.mode & 0111) != 0;
}

class HandlersJudge {
 public:
  HandlersJudge(const Handlers& handlers, const MachineFacts& machine)
      : facts_(handlers), machine_(machine) {}

  std::vector<Finding> judge() {
    findings_.add_unseen(facts_.unseen);
    for (const Handler& handler : facts_.handlers) {
      if (handler.config.inject == Inject::never) {
        findings_.add(Severity::note, "handler " + handler.name,
                      "inject is \"never\": no container gets the init");
      }
      judge_log(handler);
      judge_runtime(handler);
      judge_init(handler);
    }
    return findings_.take();
  }

 private:
  // Whether this is the first handler that leads to it.
  bool is_new(const std::string& subject, const std::string& path) {
    return seen_.insert(subject + " " + path).second;
  }

  // Why nobody would read the log of this handler; empty where somebody may.
  [[nodiscard]] std::string fault_of_log(const LogConfig& log,
                                         const std::optional<bool>& has_directory) const {
    if (log.sink == LogSink::file && !has_directory.value_or(true)) {
      return "the directory of the log is missing: " + log.file;
    }
    if (log.sink == LogSink::syslog && !machine_.has_syslog) return "nothing listens on /dev/log";
    return {};
  }

  void judge_log(const Handler& handler) {
    const std::string fault = fault_of_log(handler.config.log, handler.has_log_directory);
    if (fault.empty() || !is_new("log", fault)) return;
    const std::string what = "handler " + handler.name + ": " + fault;
    if (handler.config.on_failure == OnFailure::fail) {
      findings_.add(Severity::note, "log", what + "; errors reach the engine all the same");
      return;
    }
    findings_.add(Severity::warning, "log", what + ", so containers that start without an init go unnoticed",
                  "",
                  "name a \"file\" in a directory that exists, with the sink \"file\", as \"log\" in the "
                  "configuration; or set \"onFailure\": \"fail\" there");
  }

  void judge_runtime(const Handler& handler) {
    if (!handler.runtime.empty()) {
      if (is_new("runtime", handler.runtime)) {
        judge_runtime_at(handler.runtime, facts_.runtimes.at(handler.runtime));
      }
      return;
    }
    const std::string& named = handler.config.runtime;
    if (named.empty()) {
      findings_.add(Severity::problem, "runtime",
                    "handler " + handler.name + ": neither runc nor crun is in the system's directories", "",
                    "install one, or name one as \"runtime\" in the configuration");
    } else {
      findings_.add(Severity::problem, "runtime",
                    "handler " + handler.name + ": " + named + " does not exist", "",
                    "correct \"runtime\" in the configuration");
    }
  }

  void judge_runtime_at(const std::string& path, const Runtime& runtime) {
    if (runtime.is_runi) {
      findings_.add(Severity::problem, "runtime", path + " is runi itself", "",
                    "name the real runtime in the configuration");
      return;
    }
    if (!is_executable(runtime.file)) {
      findings_.add(Severity::problem, "runtime", path + " is not an executable file", "",
                    "correct \"runtime\" in the configuration");
      return;
    }
    findings_.judge_owner("runtime", path, runtime.file);
    if (names_a_handler(base_name(path))) {
      findings_.add(Severity::warning, "runtime",
                    path + " does not run containers by exec, so no container gets the init", "",
                    "name crun, or let the engine call this runtime directly");
    }
    if (!runtime.version) {
      findings_.add(Severity::ok, "runtime",
                    path + (machine_.is_this ? " (not run: others can change it)"
                                             : " (not run: it is another machine's)"));
    } else if (!*runtime.version) {
      findings_.add(Severity::problem, "runtime", path + ": " + runtime.version->error().what, "",
                    "try " + path + " --version");
    } else {
      findings_.add(Severity::ok, "runtime", path + ": " + **runtime.version);
    }
  }

  void judge_init(const Handler& handler) {
    if (!handler.init.empty()) {
      if (is_new("init", handler.init)) judge_init_at(handler.init, facts_.inits.at(handler.init));
      return;
    }
    const std::vector<std::string>& sought = handler.init_candidates;
    if (sought.empty()) return;
    const std::string missing = sought.size() == 1 ? sought[0] + " does not exist"
                                                   : "neither " + sought[0] + " nor " + sought[1] + " exists";
    findings_.add(Severity::problem, "init", "handler " + handler.name + ": " + missing, "",
                  "install runi-init there, or name it as \"init\": {\"path\"} in the configuration");
  }

  void judge_init_at(const std::string& path, const InitFile& init) {
    const std::size_t before = findings_.count();
    if (init.fault) {
      findings_.add(Severity::problem, "init", init.fault->what, path,
                    "install runi-init anew, with mode 0755");
    } else if (init.file.uid != 0) {
      findings_.judge_owner("init", path, init.file);
    }
    if (machine_.has_selinux) {
      judge_label(path, init.file.label);
    } else if (findings_.count() == before) {
      const std::string version = init.version.empty() ? "" : "version " + init.version + ", ";
      findings_.add(Severity::ok, "init",
                    path + ": " + version + "static, for this machine, executable by all");
    }
  }

  void judge_label(const std::string& path, const std::string& label) {
    const std::string type = type_in(label);
    const bool is_entry =
        std::find(std::begin(kEntryTypes), std::end(kEntryTypes), type) != std::end(kEntryTypes);
    if (is_entry || type.ends_with("_exec_t")) {
      findings_.add(Severity::ok, "init",
                    path + ": its SELinux type " + type + " is one that containers start from");
      return;
    }
    findings_.add(
        Severity::problem, "init",
        type.empty() ? std::string("it has no SELinux label")
                     : "its SELinux type " + type + " is not one that containers may start from",
        path, "run restorecon on it, or chcon -t container_ro_file_t; keep it in a bin or libexec directory");
  }

  const Handlers& facts_;
  const MachineFacts& machine_;
  Findings findings_;
  std::set<std::string> seen_;
};

}  // namespace

std::vector<Finding> judge_leads(const Installation& installation) {
  Findings findings;
  findings.add_unseen(installation.unseen);
  for (const Lead& lead : installation.leads) {
    if (lead.is_named_by_engine || !names_a_handler(lead.name)) continue;
    findings.add(Severity::problem, "runi",
                 "crun takes a link of this name as the choice of one of its handlers", lead.path,
                 "rename it to runi-" + lead.name);
  }
  return findings.take();
}

std::vector<Finding> judge_programs(const Installation& installation) {
  Findings findings;
  if (installation.programs.empty()) {
    findings.add(Severity::problem, "runi", "not found in the system's directories", "", "install it");
  }
  for (const auto& [file, version] : installation.programs) {
    if (!is_executable(file)) {
      findings.add(Severity::problem, "runi", "not executable", file.path, "run chmod 0755 on it");
    }
    findings.judge_owner("runi", file.path, file);
    findings.add(Severity::ok, "runi", file.path + (version.empty() ? "" : ": version " + version));
  }
  return findings.take();
}

std::vector<Finding> judge_configurations(std::span<const ConfigurationFile> files,
                                          const MachineFacts& machine) {
  Findings findings;
  for (const ConfigurationFile& file : files) {
    if (!file.hidden_by.empty()) {
      findings.add(Severity::note, "configuration", "not read: " + file.hidden_by + " comes before it",
                   file.path, "move what it says there, or remove one of the two");
      continue;
    }
    if (file.unreadable) {
      // Root could read it if anybody could.
      findings.add(machine.is_root ? Severity::problem : Severity::note, "configuration",
                   file.unreadable->what + "; nothing starts where runi cannot read it", file.path,
                   "make it a regular file that root can read; run this as root");
      continue;
    }
    if (file.file) findings.judge_owner("configuration", file.path, *file.file);
    if (file.broken) {
      findings.add(Severity::problem, "configuration",
                   file.broken->what + "; nothing starts until it is corrected", file.path,
                   "see runi.json(5)");
    } else if (!file.is_known) {
      findings.add(Severity::note, "configuration",
                   "no link and no engine calls runi by the name " + file.handler, file.path,
                   "make a link of that name to runi, or remove the file");
    } else {
      findings.add(Severity::ok, "configuration", file.path);
    }
  }
  return findings.take();
}

std::vector<Finding> judge_draft(const std::string& path, const Result<Config>& config) {
  Findings findings;
  if (config) {
    findings.add(Severity::ok, "configuration", path);
  } else {
    findings.add(Severity::problem, "configuration", config.error().what + "; nothing would start", path,
                 "see runi.json(5)");
  }
  return findings.take();
}

std::vector<Finding> judge_handlers(const Handlers& handlers, const MachineFacts& machine) {
  return HandlersJudge(handlers, machine).judge();
}

std::vector<Finding> judge_kernel(const KernelFacts& kernel) {
  Findings findings;
  if (kernel.reaps) {
    findings.add(Severity::ok, "kernel", "reaps orphans by itself (tried)");
  } else {
    findings.add(Severity::note, "kernel",
                 "does not keep the status of a reaped child, so runi-init reaps orphans itself (tried)", "",
                 "nothing to do; on Linux 6.15 and later the kernel reaps");
  }
  if (kernel.has_seccomp) {
    findings.add(Severity::ok, "kernel", "has seccomp filters");
  } else {
    findings.add(Severity::note, "kernel", "has no seccomp filters, so runi-init runs without its own");
  }
  return findings.take();
}

}  // namespace runi
