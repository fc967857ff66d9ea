#include "core/config.h"
#include "runictl/commands.h"
#include "runictl/engines/engines.h"
#include "runictl/installation/judge.h"
#include "runictl/machine/engine_files.h"
#include "runictl/machine/handlers.h"
#include "runictl/machine/installation.h"
#include "runictl/machine/kernel.h"
#include "runictl/machine/terminal.h"
#include "runictl/show/findings.h"
#include "system/files.h"
#include "system/settings.h"

#include <utility>

namespace runi {
namespace {

void append(std::vector<Finding>& findings, std::vector<Finding> more) {
  for (Finding& finding : more) findings.push_back(std::move(finding));
}

CrioFacts look_at_crio(const Machine& machine, const EngineFiles& engines, const Handlers& handlers) {
  CrioFacts facts;
  facts.files = find_files_of_crio(machine, files_of_crio(engines.crio));
  for (const Handler& handler : handlers.handlers) {
    const auto runtime = handlers.runtimes.find(handler.runtime);
    if (runtime != handlers.runtimes.end()) facts.runtimes[handler.name] = runtime->second.file.path;
  }
  return facts;
}

std::vector<Finding> check_all(const Machine& machine, const std::string& only) {
  const EngineFiles engines = read_engine_files(machine);
  const Installation installation = find_installation(machine, programs_named(engines));
  const MachineFacts facts = look_at_machine(machine);
  const std::vector<ConfigurationFile> configurations = read_configurations(machine, installation, only);
  const Handlers handlers = follow_handlers(machine, installation, only);

  std::vector<Finding> findings = judge_leads(installation);
  append(findings, judge_engines(engines, installation.named, look_at_crio(machine, engines, handlers)));
  append(findings, judge_programs(installation));
  append(findings, judge_configurations(configurations, facts));
  append(findings, judge_handlers(handlers, facts));
  if (facts.is_this) append(findings, judge_kernel(try_kernel()));
  return findings;
}

// As if the text were the configuration of a handler.
std::vector<Finding> check_draft(const Machine& machine, const CheckOptions& options,
                                 const std::string& text) {
  const auto config = parse_config(text);
  const Installation installation = find_installation(machine, {});
  std::vector<Finding> findings = judge_leads(installation);
  append(findings, judge_draft(options.config, config));
  if (!config) return findings;
  const std::string handler = options.handler.empty() ? "runi" : options.handler;
  append(findings, judge_handlers(follow_handler(machine, handler, installation.own, *config),
                                  look_at_machine(machine)));
  return findings;
}

}  // namespace

Result<int> check(const CheckOptions& options) {
  auto machine = Machine::at(options.root);
  if (!machine) return with_context("--root " + options.root, machine.error());
  if (!options.handler.empty()) {
    if (auto named = check_handler_name(options.handler); !named) return named.error();
  }
  std::vector<Finding> findings;
  if (options.config.empty()) {
    findings = check_all(*machine, options.handler);
  } else {
    auto text = read_text(options.config, kMaxConfigBytes);
    if (!text) return with_context(options.config, text.error());
    if (!*text) return Error{options.config + ": no such file"};
    findings = check_draft(*machine, options, **text);
  }
  print(options.json ? findings_as_json(findings, options.root, RUNI_VERSION)
                     : list_findings(findings, colours_wanted()));
  return count_of(findings, Severity::problem) > 0 ? kFound : 0;
}

}  // namespace runi
