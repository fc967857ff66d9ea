#include "runi/shim.h"

#include "core/command_line.h"
#include "core/config.h"
#include "core/decide.h"
#include "core/edit.h"
#include "core/log_line.h"
#include "core/spec.h"
#include "core/version.h"
#include "runi/engine_log.h"
#include "runi/own_log.h"
#include "system/command_lookup.h"
#include "system/files.h"
#include "system/process.h"
#include "system/programs.h"
#include "system/rootfs.h"
#include "system/settings.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace runi {
namespace {

constexpr std::string_view kMarkedVersion = "runi.dev/version=" RUNI_VERSION;
static_assert(kMarkedVersion.starts_with(kVersionMark));
constexpr std::string_view kVersion = kMarkedVersion.substr(kVersionMark.size());

constexpr int kMaxAttempts = 16;  // at a config.json that somebody else replaces at the same time

std::string spec_path(const CommandLine& command) {
  if (command.config_file) return std::string(*command.config_file);
  return std::string(command.bundle) + "/config.json";
}

// What runi decided about a start, and what came of it.
struct Outcome {
  std::string_view decision = "failed";  // a reason's name, where it came to one
  std::string detail;                    // the evidence for that; of a failure its cause
  std::string pod_namespace;             // these three as in Origin; empty where config.json was not read
  std::string pod;
  std::string container;
  std::vector<std::string> ignored;  // annotations, and why
  bool edited = false;               // config.json has the init now
  std::optional<Error> failure;      // why an init cannot be had as it was wanted
};

Outcome settled(Reason reason, std::string detail) {
  Outcome outcome;
  outcome.decision = name_of(reason);
  outcome.detail = std::move(detail);
  return outcome;
}

Outcome failed(Outcome outcome, Error error) {
  outcome.detail = error.what;
  outcome.failure = std::move(error);
  return outcome;
}

// Reads config.json, decides, and edits it where the container is to get the init.
Outcome prepare(const CommandLine& command, const Config& config) {
  // Nothing in a config.json could change this, not even that it cannot be read.
  if (config.inject == Inject::never) return settled(Reason::disabled, "configuration: inject is never");
  const std::string path = spec_path(command);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto file = read_file(path, kMaxSpecBytes);
    if (!file) return failed({}, with_context(path, file.error()));
    // The runtime's own error is the one the user knows.
    if (!*file) return settled(Reason::no_process, path + ": No such file or directory");
    auto spec = parse_spec((*file)->bytes);
    if (!spec) return failed({}, with_context(path, spec.error()));
    Rootfs rootfs = look_at_rootfs(std::string(command.bundle), *spec);
    rootfs.command = look_up_command(std::string(command.bundle), *spec);
    Plan plan = decide(command, config, *spec, rootfs);
    const Origin origin = origin_of(*spec);
    Outcome outcome = settled(plan.reason, plan.detail);
    outcome.pod_namespace = origin.pod_namespace;
    outcome.pod = origin.pod;
    outcome.container = origin.container;
    if (plan.injection) outcome.decision = "failed";
    if (auto failure = failure_of(plan, config)) {
      return failed(std::move(outcome), with_context(path, *failure));
    }
    outcome.ignored = std::move(plan.complaints);
    if (!plan.injection) return outcome;
    auto init = find_init(config.init_path);
    if (!init) return failed(std::move(outcome), init.error());
    auto replaced = replace_file(**file, inject((*file)->bytes, *spec, *plan.injection, *init, kVersion));
    if (!replaced) return failed(std::move(outcome), with_context(path, replaced.error()));
    if (*replaced == Replaced::yes) {
      outcome.decision = name_of(Reason::inject);
      outcome.edited = true;
      return outcome;
    }
  }
  return failed({}, Error{path + ": other processes keep replacing it"});
}

// The one line about a start: why it fails, or what the container gets.
void log_start(const CommandLine& command, const Config& config, const Outcome& outcome, bool starts,
               std::uint64_t began_us) {
  const LogLevel level = !starts ? LogLevel::error : outcome.failure ? LogLevel::warning : LogLevel::info;
  if (!is_logged(config.log, level)) return;
  Record record;
  record.message = !starts          ? "does not start"
                   : outcome.edited ? "starts with an init"
                                    : "starts without an init";
  record.container_id = command.container_id;
  record.origin = {outcome.pod_namespace, outcome.pod, outcome.container};
  record.decision = outcome.decision;
  record.detail = outcome.detail;
  record.runtime = config.runtime;
  record.elapsed_us = monotonic_us() - began_us;
  write_log(config.log, level, record_of(record, config.log.format));
}

void log_ignored(const CommandLine& command, const Config& config, const Outcome& outcome) {
  if (!is_logged(config.log, LogLevel::warning)) return;
  for (const std::string& complaint : outcome.ignored) {
    Record record;
    record.message = "ignores an annotation";
    record.container_id = command.container_id;
    record.origin = {outcome.pod_namespace, outcome.pod, outcome.container};
    record.detail = complaint;
    write_log(config.log, LogLevel::warning, record_of(record, config.log.format));
  }
}

// create, run or restore. Returns only with what kept the runtime from being started.
Error start(const CommandLine& command, const Settings& settings, const Result<std::string>& runtime,
            char** argv, std::uint64_t began_us) {
  const Config& config = settings.config;
  const auto refuse = [&](const Outcome& outcome) {
    log_start(command, config, outcome, /*starts=*/false, began_us);
    return *outcome.failure;
  };
  if (!runtime) return refuse(failed({}, runtime.error()));
  if (settings.broken) return refuse(failed({}, *settings.broken));
  const Outcome outcome = prepare(command, config);
  if (outcome.failure && config.on_failure == OnFailure::fail) return refuse(outcome);
  log_ignored(command, config, outcome);
  log_start(command, config, outcome, /*starts=*/true, began_us);
  return refuse(failed(outcome, become(*runtime, argv)));
}

}  // namespace

Error run(int argc, char** argv) {
  const std::uint64_t began_us = monotonic_us();
  // Only Linux before 5.18 starts programs without any argv[0].
  if (argc < 1) return Error{"called without a name; argv[0] is missing"};
  const std::string_view called_as = argv[0];
  Settings settings = read_settings(called_as.substr(called_as.rfind('/') + 1));
  const auto runtime = choose_runtime(settings.config);
  if (runtime) settings.config.runtime = *runtime;
  const CommandLine command = parse_command_line(std::span<const char* const>(argv + 1, argv + argc),
                                                 runtime ? dialect_of(*runtime) : Dialect::runc);
  Error error;
  if (command.verb != Verb::other) {
    error = start(command, settings, runtime, argv, began_us);
  } else {
    error = runtime ? become(*runtime, argv) : runtime.error();
  }
  report(command, error);
  return error;
}

}  // namespace runi
