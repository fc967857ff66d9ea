#include "runictl/commands.h"
#include "runictl/engines/judge.h"
#include "runictl/host/engine.h"
#include "runictl/host/files.h"
#include "runictl/host/gather.h"
#include "runictl/host/perform.h"
#include "runictl/installer/engine_edit.h"
#include "runictl/machine/machine.h"
#include "runictl/machine/terminal.h"
#include "runictl/show/json.h"
#include "runictl/show/table.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace runi {
namespace {

struct Held {
  const Entry* entry;
  std::vector<std::string> faults;  // none: the machine still holds what was installed
};

// Whether the engine's files have the handler as it is to be, whatever else somebody has changed in them.
std::string fault_of_configuration(const EngineFacts& engine, const Entry& entry) {
  const Edit edit = add_handler(engine, {entry.handler, entry.program, {}, entry.is_default});
  if (const auto* refusal = std::get_if<Refusal>(&edit)) return refusal->line();
  if (const auto* write = std::get_if<WriteFile>(&edit)) {
    return write->path + ": the handler is missing or changed";
  }
  return {};
}

bool is_program(const Machine& machine, const std::string& path) {
  const auto found = machine.find(path);
  return found && *found && S_ISREG((*found)->mode) && ((*found)->mode & 0111) != 0;
}

Held look_at(const Machine& machine, const HostFiles& files, const Entry& entry) {
  Held held{&entry, {}};
  if (entry.progress == Progress::begun) {
    held.faults.emplace_back("begun and not finished; run the same command again");
  }
  bool is_changed = true;
  for (const RecordedFile& file : entry.files) {
    const auto state = files.look(file.path);
    const bool same = state && is_as_recorded(file, *state);
    if (file.role == Role::configuration) {
      is_changed = !same;
    } else if (!same) {
      held.faults.push_back(file.path + ": missing or changed");
    }
  }
  if (held.faults.empty() && !is_program(machine, entry.program)) {
    held.faults.push_back(entry.program + ": not a program that can be executed");
  }
  const EngineKind* kind = find_engine_kind(entry.engine);
  if (kind == nullptr) {
    held.faults.push_back(entry.engine + ": no known engine");
    return held;
  }
  const auto engine = gather_engine(machine, *kind, is_changed ? Purpose::addition : Purpose::removal);
  if (const auto* refusal = std::get_if<Refusal>(&engine)) {
    held.faults.push_back(refusal->line());
    return held;
  }
  const auto& facts = std::get<EngineFacts>(engine);
  std::string fault = is_changed ? fault_of_configuration(facts, entry) : std::string();
  if (fault.empty() && !Engine(machine, facts, RestartBy::nothing).lists(entry.handler).value_or(true)) {
    fault = facts.socket + ": the engine does not list the handler " + quoted(entry.handler);
  }
  if (!fault.empty()) held.faults.push_back(std::move(fault));
  return held;
}

std::string text_of(const std::vector<Held>& all) {
  std::string text;
  for (const Held& held : all) {
    const std::string who = "handler " + held.entry->handler + " of " + held.entry->engine + ": ";
    if (held.faults.empty()) text += printable(who + "as installed") + "\n";
    for (const std::string& fault : held.faults) text += printable(who + fault) + "\n";
  }
  return text.empty() ? "nothing is installed\n" : text;
}

std::string json_of(const std::vector<Held>& all, const std::string& root, bool holds) {
  Json entries = Json::array();
  for (const Held& held : all) {
    Json one = Json::object();
    one.add("engine", held.entry->engine);
    one.add("handler", held.entry->handler);
    one.add("program", held.entry->program);
    one.add("proven", held.entry->progress == Progress::done);
    one.add("faults", Json::array(held.faults));
    entries.add(std::move(one));
  }
  Json json = Json::object();
  json.add("version", RUNI_VERSION);
  json.add("host_root", root);
  json.add("holds", holds);
  json.add("entries", std::move(entries));
  return json.lines();
}

}  // namespace

Result<int> installed(const InstallOptions& options) {
  if (auto named = check_handler_name(options.handler); !named) return named.error();
  if (auto named = check_engine_name(options.engine); !named) return named.error();
  const auto machine = Machine::at(options.host_root);
  if (!machine) return with_context("--host-root " + options.host_root, machine.error());
  const HostFiles files(*machine);
  const auto record = read_record(files);
  if (!record) return record.error();
  std::vector<Held> all;
  for (const Entry& entry : record->entries) {
    if (entry.handler != options.handler || (!options.engine.empty() && entry.engine != options.engine)) {
      continue;
    }
    all.push_back(look_at(*machine, files, entry));
  }
  const bool holds = !all.empty() && std::all_of(all.begin(), all.end(),
                                                 [](const Held& held) { return held.faults.empty(); });
  print(options.json ? json_of(all, options.host_root, holds) : text_of(all));
  return holds ? 0 : kFound;
}

}  // namespace runi
