#include "runictl/installer/plan.h"

#include "core/config.h"
#include "core/json.h"
#include "core/path.h"
#include "runictl/engines/containerd_edit.h"
#include "runictl/engines/judge.h"
#include "runictl/installer/engine_edit.h"
#include "runictl/installer/hosts.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

namespace runi {
namespace {

using Kind = State::Kind;

constexpr std::string_view kInitName = "runi-init";

const RecordedFile* find_recorded(const Entry* entry, const std::string& path) {
  if (entry == nullptr) return nullptr;
  for (const RecordedFile& file : entry->files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

// Whether an earlier run has put there what lies there now, for whichever handler.
bool is_known(const Record& record, const std::string& path, const State& there) {
  return std::any_of(record.entries.begin(), record.entries.end(), [&](const Entry& entry) {
    const RecordedFile* file = find_recorded(&entry, path);
    return file != nullptr && is_as_recorded(*file, there);
  });
}

// What runictl may replace though no record knows it, at the place of a program, of an init and of a link.
bool is_program(const State& state) {
  // What an uninstallation has left for containers that still ran.
  if (state.kind == Kind::link) {
    return base_name(state.content) == "runc" || base_name(state.content) == "crun";
  }
  return state.kind == Kind::file && state.content.starts_with("\177ELF") &&
         state.content.find("runi.dev/") != std::string::npos;
}

bool is_init(const State& state) {
  return state.kind == Kind::file && state.content.starts_with("\177ELF") &&
         state.content.find(kInitName) != std::string::npos;
}

bool is_link(const State& state) {
  return state.kind == Kind::link && base_name(state.content).starts_with("runi");
}

bool never(const State&) {
  return false;
}

// A link of that name in PREFIX/sbin, and NAME.json in PREFIX/etc/runi, would be what others of runi's files
// are.
std::optional<Refusal> refusal_of_name(const std::string& handler) {
  constexpr std::size_t kMaxLength = 128;  // with what is put before and after it, it still names a file
  if (handler.size() > kMaxLength) {
    return Refusal{"", "the handler's name is longer than " + std::to_string(kMaxLength) + " bytes",
                   "choose another --handler"};
  }
  if (handler != "runictl" && handler != "config") return std::nullopt;
  return Refusal{"", "a file of runi's own has the name " + quoted(handler), "choose another --handler"};
}

void add_reload(const EngineKind& kind, RestartBy by, Plan& plan) {
  if (kind.reloading == Reloading::by_itself) return;
  plan.steps.emplace_back(ReloadEngine{kind.reloading == Reloading::restart, by});
}

class Installing {
 public:
  Installing(const HostFacts& facts, const InstallWanted& wanted, const Record& record)
      : facts_(facts),
        wanted_(wanted),
        record_(record),
        recorded_(record.find(facts.engine.kind->name, wanted.handler)),
        handler_{wanted.handler, joined(facts.folder, wanted.handler), {}, wanted.is_default},
        removal_(remove_handler(facts.engine, handler_)) {
    plan_.entry.engine = facts.engine.kind->name;
    plan_.entry.handler = handler_.name;
    plan_.entry.program = handler_.program;
    plan_.entry.is_default = handler_.is_default;
  }

  Planned run() {
    if (auto refusal = refusal_of_host(facts_.os_id)) return *refusal;
    if (auto refusal = refusal_of(handler_)) return *refusal;
    if (auto refusal = refusal_of_name(handler_.name)) return *refusal;
    // Its file has no marks, by which a default of ours could be told from a person's.
    const bool is_docker = facts_.engine.kind->type == EngineType::docker;
    if (is_docker && recorded_ != nullptr && recorded_->is_default && !handler_.is_default) {
      return Refusal{"", "the handler " + quoted(handler_.name) + " is Docker's default",
                     "use --set-default again, or uninstall first"};
    }
    if (recorded_ != nullptr) plan_.entry.files = recorded_->files;
    is_record_lost_ = recorded_ == nullptr && is_in_configuration() && base_name(facts_.prefix) == "runi";
    if (auto refusal = add_programs()) return *refusal;
    if (auto refusal = add_runtime()) return *refusal;
    if (auto refusal = add_configuration()) return *refusal;
    forget_what_has_gone();
    plan_.begun = plan_.entry;
    plan_.begun.progress = Progress::begun;
    plan_.entry.progress = Progress::done;
    const bool is_pending = recorded_ != nullptr && recorded_->progress != Progress::done;
    if (!is_reconfigured_ && !is_pending) return std::move(plan_);
    if (wanted_.restart == RestartBy::nothing) {
      plan_.entry.progress = Progress::unproven;
      plan_.notes.emplace_back(
          facts_.engine.kind->reloading == Reloading::by_itself
              ? "no container was run as proof"
              : "the engine has to be restarted by hand, and no container was run as proof");
      return std::move(plan_);
    }
    const EngineKind& kind = *facts_.engine.kind;
    add_reload(kind, wanted_.restart, plan_);
    if (has_cri(kind)) plan_.steps.emplace_back(AwaitEngine{wanted_.handler});
    plan_.steps.emplace_back(ProveHandler{});
    return std::move(plan_);
  }

 private:
  using Fault = std::optional<Refusal>;

  [[nodiscard]] bool is_in_configuration() const {
    return std::holds_alternative<WriteFile>(removal_) || std::holds_alternative<RemoveFile>(removal_);
  }

  // What an earlier version has left in use is taken away with the rest one day.
  void forget_what_has_gone() {
    std::erase_if(plan_.entry.files, [this](const RecordedFile& file) {
      return !noted_.contains(file.path) && !is_as_recorded(file, facts_.look(file.path));
    });
  }

  void note_file(RecordedFile file) {
    noted_.insert(file.path);
    const auto same = [&file](const RecordedFile& known) { return known.path == file.path; };
    const auto known = std::find_if(plan_.entry.files.begin(), plan_.entry.files.end(), same);
    if (known == plan_.entry.files.end()) {
      plan_.entry.files.push_back(std::move(file));
    } else {
      *known = std::move(file);
    }
  }

  // Also notes those that an earlier run has made.
  void make_directory(const std::string& path) {
    const State there = facts_.look(path);
    const bool is_below = path == facts_.prefix || path.starts_with(facts_.prefix + "/");
    const bool was_ours = is_record_lost_ && is_below && there.kind == Kind::directory;
    const bool is_ours = was_ours || is_known(record_, path, there) || noted_.contains(path);
    if (path.size() <= 1 || (there.kind != Kind::nothing && !is_ours)) return;
    make_directory(std::string(directory_of(path)));
    if (!is_ours) plan_.steps.emplace_back(Change{path, Role::directory, there, State::directory()});
    note_file(recorded(path, Role::directory, State::directory()));
  }

  // Makes the path be so. What is there may be replaced if it was recorded, or if it is runi's own kind of
  // file.
  Fault make(const std::string& path, Role role, State wanted, bool (*is_ours)(const State&)) {
    State there = facts_.look(path);
    const bool known = is_known(record_, path, there);
    const bool is_right = there.is(wanted) && !there.lacks_execution_of(wanted);
    const bool was_ours = is_record_lost_ && path.starts_with(facts_.prefix + "/");
    if (is_right && !known && !was_ours) return std::nullopt;  // somebody else's, and it stays theirs
    if (!is_right && there.kind != Kind::nothing && !known && !is_ours(there)) {
      return Refusal{path, "something is there that runictl has not put there",
                     "move it away, or choose another --prefix or --handler"};
    }
    make_directory(std::string(directory_of(path)));
    note_file(recorded(path, role, wanted));
    if (!is_right) plan_.steps.emplace_back(Change{path, role, std::move(there), std::move(wanted)});
    return std::nullopt;
  }

  Fault add_programs() {
    if (const Payload* payload = facts_.payload) {
      if (!facts_.prefix_fault.empty()) {
        return Refusal{facts_.prefix, facts_.prefix_fault, "choose a directory for programs with --prefix"};
      }
      const std::string init = joined(facts_.prefix, "libexec/runi/runi-init");
      const std::string name = "runi-init-" + payload->version;
      if (auto fault =
              make(init + "-" + payload->version, Role::program, State::file(payload->init, 0755), is_init)) {
        return fault;
      }
      if (auto fault = make(init, Role::link, State::link(name), is_link)) return fault;
      for (const auto& [file, bytes] : {std::pair{"runictl", &payload->runictl}, {"runi", &payload->runi}}) {
        const std::string path = joined(facts_.folder, file);
        if (auto fault = make(path, Role::program, State::file(*bytes, 0755), is_program)) return fault;
      }
    }
    if (wanted_.handler == "runi") return std::nullopt;
    return make(plan_.entry.program, Role::link, State::link("runi"), is_link);
  }

  // The runtime that the handler's containers need, where runi would find another one or none.
  Fault add_runtime() {
    std::string runtime = wanted_.runtime;
    if (runtime.empty()) runtime = runtime_of_default(facts_.engine, handler_);
    const std::string real = runtime.empty() ? facts_.first_runtime : facts_.resolve(runtime);
    if (real.empty() && runtime.empty()) {
      return Refusal{"", "neither runc nor crun is where runi looks for a runtime",
                     "name one with --runtime"};
    }
    if (real.empty()) return Refusal{runtime, "there is no such runtime", "name another with --runtime"};
    if (wanted_.runtime.empty() && (runtime.empty() || real == facts_.first_runtime)) return std::nullopt;
    if (!runtime.starts_with('/')) runtime = real;
    const std::string file = wanted_.handler + ".json";
    const std::string beside = joined(directory_of(facts_.folder), "etc/runi/" + file);
    const std::string path = facts_.payload != nullptr ? beside : joined(facts_.config_directory, file);
    for (const std::string& name : {file, std::string("config.json")}) {
      const std::string first = joined(facts_.config_directory, name);
      const State there = facts_.look(first);
      if (there.kind == Kind::nothing || is_known(record_, first, there)) continue;
      const auto config = parse_config(there.content);
      if (config && config->runtime == runtime) return std::nullopt;
      return Refusal{first, "this configuration of runi's names no runtime " + quoted(runtime),
                     "add \"runtime\": " + json::quote(runtime) + " to it"};
    }
    return make(path, Role::program, State::file("{ \"runtime\": " + json::quote(runtime) + " }\n"), never);
  }

  Fault add_configuration() {
    Edit edit = add_handler(facts_.engine, handler_);
    if (const auto* refusal = std::get_if<Refusal>(&edit)) return *refusal;
    const std::vector<ConfigFile> files = files_of(facts_.engine);
    if (const auto* write = std::get_if<WriteFile>(&edit)) {
      is_reconfigured_ = true;
      const ConfigFile* there = file_at(files, write->path);
      Change change{write->path, Role::configuration, {}, State::file(write->text)};
      if (there != nullptr) change.before = State::file(there->text);
      if (there == nullptr) make_directory(std::string(directory_of(write->path)));
      RecordedFile file = recorded(write->path, Role::configuration, change.after);
      file.before = bytes_without(write->path, there);
      note_file(std::move(file));
      const bool has_judge = facts_.engine.kind->type != EngineType::podman;  // it has no such command
      if (has_judge) plan_.steps.emplace_back(JudgeCandidate{{write->path, write->text}});
      plan_.steps.emplace_back(std::move(change));
      return std::nullopt;
    }
    // It is there already. If it is not in the record, that was lost.
    std::string path;
    if (const auto* write = std::get_if<WriteFile>(&removal_)) path = write->path;
    if (const auto* remove = std::get_if<RemoveFile>(&removal_)) path = remove->path;
    const ConfigFile* there = file_at(files, path);
    const RecordedFile* known = find_recorded(recorded_, path);
    if (there == nullptr || (known != nullptr && is_as_recorded(*known, State::file(there->text)))) {
      return std::nullopt;
    }
    RecordedFile file = recorded(path, Role::configuration, State::file(there->text));
    file.before = bytes_without(path, there);
    note_file(std::move(file));
    return std::nullopt;
  }

  // What the file has without ours; empty where all of it is ours.
  [[nodiscard]] std::optional<std::string> bytes_without(const std::string& path,
                                                         const ConfigFile* there) const {
    if (there == nullptr) return std::nullopt;
    if (const RecordedFile* known = find_recorded(recorded_, path);
        known != nullptr && is_as_recorded(*known, State::file(there->text))) {
      return known->before;
    }
    if (const auto* write = std::get_if<WriteFile>(&removal_); write != nullptr && write->path == path) {
      return write->text;
    }
    if (std::holds_alternative<RemoveFile>(removal_)) return std::nullopt;
    return there->text;
  }

  const HostFacts& facts_;
  const InstallWanted& wanted_;
  const Record& record_;
  const Entry* recorded_;
  const HandlerWanted handler_;
  const Edit removal_;  // what would take the handler out of the engine's files as they are now
  bool is_reconfigured_ = false;
  bool is_record_lost_ = false;  // and what is right in runi's own directory, an earlier run has put there
  std::set<std::string> noted_;  // the files that are as they are to be, or will be
  Plan plan_;
};

class Uninstalling {
 public:
  Uninstalling(const HostFacts& facts, const UninstallWanted& wanted, const Record& record)
      : facts_(facts),
        wanted_(wanted),
        record_(record),
        entry_(record.find(facts.engine.kind->name, wanted.handler)) {
    plan_.entry.engine = facts.engine.kind->name;
    plan_.entry.handler = wanted.handler;
    if (entry_ != nullptr) plan_.entry = *entry_;
    if (plan_.entry.program.empty()) plan_.entry.program = joined(facts.folder, wanted.handler);
  }

  Planned run() {
    if (auto refusal = remove_configuration()) return *refusal;
    const bool is_pending = entry_ != nullptr && entry_->progress == Progress::begun;
    if ((!plan_.steps.empty() || is_pending) && wanted_.restart != RestartBy::nothing) {
      const EngineKind& kind = *facts_.engine.kind;
      add_reload(kind, wanted_.restart, plan_);
      if (has_cri(kind)) plan_.steps.emplace_back(AwaitEngine{});
    }
    plan_.begun = plan_.entry;
    plan_.begun.progress = Progress::begun;
    plan_.entry.files.clear();
    if (entry_ != nullptr) remove_programs();
    plan_.entry.progress = Progress::done;
    return std::move(plan_);
  }

 private:
  std::optional<Refusal> remove_configuration() {
    const HandlerWanted handler = {plan_.entry.handler, plan_.entry.program, {}, plan_.entry.is_default};
    const std::vector<ConfigFile> files = files_of(facts_.engine);
    Edit edit = remove_handler(facts_.engine, handler);
    if (const auto* refusal = std::get_if<Refusal>(&edit)) return *refusal;
    Change change{{}, Role::configuration, {}, {}};
    if (const auto* write = std::get_if<WriteFile>(&edit)) {
      change.path = write->path;
      change.after = State::file(write->text);
    } else if (const auto* remove = std::get_if<RemoveFile>(&edit)) {
      change.path = remove->path;
    } else {
      return std::nullopt;
    }
    const ConfigFile& there = *file_at(files, change.path);
    if (facts_.engine.kind->type == EngineType::containerd && others_need_block(there, handler.name)) {
      return Refusal{change.path, "lines of other handlers of runi's need those of " + quoted(handler.name),
                     "uninstall the others first"};
    }
    change.before = State::file(there.text);
    if (const RecordedFile* known = find_recorded(entry_, change.path)) {
      if (is_as_recorded(*known, change.before)) {
        change.after = known->before ? State::file(*known->before) : State{};
      } else {
        plan_.notes.push_back(change.path +
                              ": somebody has changed it since; only the handler's lines are removed");
      }
    }
    plan_.steps.emplace_back(std::move(change));
    // Source: moby's daemon/reload.go, which looks at the runtimes only where the file names some.
    if (facts_.engine.kind->type == EngineType::docker) {
      plan_.notes.emplace_back("Docker lists a runtime that was its file's last one until it is restarted");
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_used_by_others(const std::string& path) const {
    return std::any_of(record_.entries.begin(), record_.entries.end(), [&](const Entry& other) {
      return &other != entry_ && find_recorded(&other, path) != nullptr;
    });
  }

  // The last that was made goes first.
  void remove_programs() {
    for (auto file = entry_->files.rbegin(); file != entry_->files.rend(); ++file) {
      if (file->role == Role::configuration || is_used_by_others(file->path)) continue;
      State there = facts_.look(file->path);
      const bool is_stand_in = !wanted_.stand_in.empty() && file->path == entry_->program;
      if (there.kind == Kind::nothing && !is_stand_in) continue;
      if (!wanted_.stand_in.empty() && file->role == Role::directory) {
        plan_.entry.files.insert(plan_.entry.files.begin(), *file);
        continue;
      }
      if (there.kind != Kind::nothing && !is_as_recorded(*file, there)) {
        plan_.notes.push_back(file->path + ": somebody has changed it since; it stays");
        continue;
      }
      const State after = is_stand_in ? State::link(wanted_.stand_in) : State{};
      if (is_stand_in) plan_.entry.files.push_back(recorded(file->path, Role::link, after));
      plan_.steps.emplace_back(Change{file->path, file->role, std::move(there), after});
    }
  }

  const HostFacts& facts_;
  const UninstallWanted& wanted_;
  const Record& record_;
  const Entry* entry_;
  Plan plan_;
};

}  // namespace

bool is_done(const Plan& plan, const Record& record) {
  if (!plan.steps.empty()) return false;
  const Entry* entry = record.find(plan.entry.engine, plan.entry.handler);
  return entry == nullptr ? plan.entry.files.empty() : *entry == plan.entry;
}

Planned plan_install(const HostFacts& facts, const InstallWanted& wanted, const Record& record) {
  return Installing(facts, wanted, record).run();
}

Planned plan_uninstall(const HostFacts& facts, const UninstallWanted& wanted, const Record& record) {
  return Uninstalling(facts, wanted, record).run();
}

}  // namespace runi
