#include "core/path.h"
#include "runictl/commands.h"
#include "runictl/engines/judge.h"
#include "runictl/host/engine.h"
#include "runictl/host/files.h"
#include "runictl/host/gather.h"
#include "runictl/host/perform.h"
#include "runictl/installer/plan.h"
#include "runictl/machine/machine.h"
#include "runictl/machine/terminal.h"
#include "runictl/show/plan.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace runi {
namespace {

const std::string kLock = "/run/lock/runi-install.lock";

// One run of install or uninstall. Its functions return what keeps it from going on.
class Run {
 public:
  using Fault = std::optional<Refusal>;

  Run(const InstallOptions& options, const Machine& machine, RestartBy by)
      : options_(options), machine_(machine), files_(machine), by_(by) {
    outcome_.host_root = options.host_root;
    outcome_.is_dry_run = options.dry_run;
    plan_.entry.engine = options.engine;
    plan_.entry.handler = options.handler;
  }

  int run(bool is_removal) {
    Fault fault = prepare(is_removal);
    if (!fault) fault = is_removal ? plan_removal() : plan_addition();
    if (fault) {
      outcome_.refusal = *fault;
      complain(fault->line());
      return show(kRefused);
    }
    outcome_.is_done = runi::is_done(plan_, record_);
    if (outcome_.is_done || options_.dry_run) return show(0);
    auto performed = perform(machine_, files_, facts_, plan_, record_, by_);
    if (!performed) {
      outcome_.error = performed.error().what;
      complain(outcome_.error);
      return show(kFound);
    }
    outcome_.is_done = true;
    outcome_.note = performed->note;
    return show(0);
  }

 private:
  Fault prepare(bool is_removal) {
    if (!options_.dry_run) {
      auto lock =
          files_.lock(kLock, [] { complain("another runictl changes this machine; waiting for it"); });
      if (!lock) return Refusal{lock.error().what, "no lock for this run", "make its directory writable"};
      lock_ = std::move(*lock);
    }
    auto record = read_record(files_);
    if (!record) {
      return Refusal{"", record.error().what, "correct the record, or remove it: runi's lines have marks"};
    }
    record_ = std::move(*record);
    auto kind = choose(is_removal);
    if (auto* refusal = std::get_if<Refusal>(&kind)) return *refusal;
    auto engine = gather_engine(machine_, *std::get<const EngineKind*>(kind),
                                is_removal ? Purpose::removal : Purpose::addition);
    if (auto* refusal = std::get_if<Refusal>(&engine)) return *refusal;
    facts_ = gather_host(machine_, files_, payload_, options_.prefix);
    facts_.engine = std::move(std::get<EngineFacts>(engine));
    plan_.entry.engine = facts_.engine.kind->name;
    if (!options_.dry_run) sweep_all(files_, facts_.engine, record_);
    return std::nullopt;
  }

  // A removal knows from the record which engine is meant.
  [[nodiscard]] std::variant<const EngineKind*, Refusal> choose(bool is_removal) const {
    if (!options_.engine.empty()) return find_engine_kind(options_.engine);
    if (!is_removal) return choose_engine(machine_);
    const EngineKind* kind = nullptr;
    for (const Entry& entry : record_.entries) {
      if (entry.handler != options_.handler) continue;
      if (kind != nullptr) return Refusal{"", "several engines have this handler", "name one with --engine"};
      kind = find_engine_kind(entry.engine);
    }
    if (kind != nullptr) return kind;
    return choose_engine(machine_);
  }

  Fault plan_addition() {
    if (facts_.payload != nullptr) {
      auto payload = read_payload();
      if (!payload) {
        return Refusal{"", payload.error().what, "install runi first, or run this from its image"};
      }
      payload_ = std::move(*payload);
    }
    return take(
        plan_install(facts_, {options_.handler, options_.runtime, options_.set_default, by_}, record_));
  }

  Fault plan_removal() {
    const Entry* entry = record_.find(facts_.engine.kind->name, options_.handler);
    UninstallWanted wanted{options_.handler, {}, by_};
    const auto containers = Engine(machine_, facts_.engine, by_)
                                .containers_of(options_.handler, entry != nullptr && entry->is_default);
    if (!containers) return Refusal{"", containers.error().what, "correct this, or use --force"};
    if (!containers->empty()) {
      const std::string which = containers->front() + (containers->size() > 1 ? " and others" : "");
      if (!options_.force) {
        return Refusal{"",
                       std::to_string(containers->size()) + " of the handler's containers exist: " + which,
                       "remove them first, or use --force, which leaves them without exec and probes"};
      }
      wanted.stand_in = facts_.first_runtime;
    }
    return take(plan_uninstall(facts_, wanted, record_));
  }

  Fault take(Planned planned) {
    if (auto* refusal = std::get_if<Refusal>(&planned)) return *refusal;
    plan_ = std::move(std::get<Plan>(planned));
    return std::nullopt;
  }

  [[nodiscard]] int show(int status) const {
    if (options_.json) {
      print(json_of(plan_, outcome_, RUNI_VERSION));
    } else if (status == 0) {
      print(text_of(plan_, outcome_, colours_wanted()));
    }
    return status;
  }

  const InstallOptions& options_;
  const Machine& machine_;
  HostFiles files_;
  RestartBy by_;
  Fd lock_;
  Record record_;
  Payload payload_;
  HostFacts facts_;
  Plan plan_;
  Outcome outcome_;
};

Result<RestartBy> restart_of(const std::string& word) {
  if (word == "systemd") return RestartBy::systemd;
  if (word == "signal") return RestartBy::signal;
  if (word == "none") return RestartBy::nothing;
  return Error{"--restart " + word + ": expected systemd, signal or none"};
}

Result<int> run(const InstallOptions& options, bool is_removal) {
  if (auto named = check_handler_name(options.handler); !named) return named.error();
  if (auto named = check_engine_name(options.engine); !named) return named.error();
  const auto by = restart_of(options.restart);
  if (!by) return by.error();
  for (const auto& [option, path] :
       {std::pair{"--prefix ", &options.prefix}, {"--runtime ", &options.runtime}}) {
    if (!path->empty() && !path->starts_with('/')) {
      return Error{option + *path + ": expected an absolute path"};
    }
  }
  auto machine = Machine::at(options.host_root);
  if (!machine) return with_context("--host-root " + options.host_root, machine.error());
  return Run(options, *machine, *by).run(is_removal);
}

}  // namespace

Result<void> check_engine_name(const std::string& engine) {
  if (engine.empty() || find_engine_kind(engine) != nullptr) return {};
  std::string names;
  for (const EngineKind& kind : engine_kinds()) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return Error{"--engine " + engine + ": expected one of " + names};
}

Result<int> install(const InstallOptions& options) {
  return run(options, false);
}

Result<int> uninstall(const InstallOptions& options) {
  return run(options, true);
}

}  // namespace runi
