#include "runi/shim.h"

#include "core/command_line.h"
#include "core/config.h"
#include "core/log_line.h"
#include "core/path.h"
#include "core/plan.h"
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

constexpr int kMaxAttempts = 16;  // at a config.json that other processes replace at the same time

std::string spec_path(const CommandLine& command) {
  if (command.config_file) return std::string(*command.config_file);
  return std::string(command.bundle) + "/config.json";
}

Origin origin_of(const StartPlan& plan) {
  return plan.spec ? origin_of(*plan.spec) : Origin{};
}

// The one line about a start: what the container gets, or the error that keeps it from starting.
void log_start(const CommandLine& command, const Config& config, const StartPlan& plan, const Error* error,
               std::uint64_t began_us) {
  const LogLevel level = error != nullptr ? LogLevel::error
                         : plan.failure   ? LogLevel::warning
                                          : LogLevel::info;
  if (!is_logged(config.log, level)) return;
  LogRecord record;
  record.message = error != nullptr ? "does not start"
                   : plan.injects() ? "starts with an init"
                                    : "starts without an init";
  record.container_id = command.container_id;
  record.origin = origin_of(plan);
  record.decision = decision_of(plan);
  record.detail = error != nullptr ? error->what : plan.failure ? plan.failure->what : plan.detail;
  record.runtime = config.runtime;
  record.elapsed_us = monotonic_us() - began_us;
  write_own_log(config.log, level, log_line_of(record, config.log.format));
}

void log_complaints(const CommandLine& command, const Config& config, const StartPlan& plan) {
  if (!is_logged(config.log, LogLevel::warning)) return;
  for (const std::string& complaint : plan.complaints) {
    LogRecord record;
    record.message = "ignores an annotation";
    record.container_id = command.container_id;
    record.origin = origin_of(plan);
    record.detail = complaint;
    write_own_log(config.log, LogLevel::warning, log_line_of(record, config.log.format));
  }
}

// Logs the start and becomes the runtime, unless the plan refuses. Returns only with the error that kept the
// runtime from being started.
Error follow(const StartPlan& plan, const CommandLine& command, const Config& config, char** argv,
             std::uint64_t began_us) {
  if (!plan.starts) {
    log_start(command, config, plan, &*plan.failure, began_us);
    return *plan.failure;
  }
  log_complaints(command, config, plan);
  log_start(command, config, plan, nullptr, began_us);
  Error error = become(config.runtime, argv);
  log_start(command, config, plan, &error, began_us);
  return error;
}

// create, run or restore: plans the start, edits config.json as planned, and becomes the runtime. Returns as
// follow().
Error start(const CommandLine& command, const Settings& settings, const Result<std::string>& runtime,
            char** argv, std::uint64_t began_us) {
  const Config& config = settings.config;
  const std::string path = spec_path(command);
  const std::string bundle(command.bundle);
  std::string bytes;  // views of them are in the plan
  std::optional<File> file;
  const auto read_spec = [&]() -> Result<std::optional<std::string_view>> {
    auto read = read_file(path, kMaxSpecBytes);
    if (!read) return read.error();
    file = std::move(*read);
    if (!file) return std::optional<std::string_view>();
    bytes = std::move(file->bytes);
    return std::optional<std::string_view>(bytes);
  };
  const auto look_at_root = [&bundle](const Spec& spec) {
    Rootfs rootfs = look_at_rootfs(bundle, spec);
    rootfs.command = look_up_command(bundle, spec);
    return rootfs;
  };
  const auto find = [&config] { return find_init(config.init_path); };
  const StartFacts facts{runtime, path, read_spec, look_at_root, find};
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    StartPlan plan = plan_start(command, settings, facts, kVersion);
    if (plan.injects()) {
      const auto replaced = replace_file(*file, plan.edited);
      if (replaced && *replaced == Replaced::changed) continue;
      if (!replaced) fail(plan, with_context(path, replaced.error()), config);
    }
    file.reset();
    return follow(plan, command, config, argv, began_us);
  }
  StartPlan plan;
  fail(plan, Error{path + ": other processes keep replacing it"}, config);
  return follow(plan, command, config, argv, began_us);
}

}  // namespace

Error run(int argc, char** argv) {
  const std::uint64_t began_us = monotonic_us();
  // Only Linux before 5.18 starts programs without any argv[0].
  if (argc < 1) return Error{"called without a name; argv[0] is missing"};
  Settings settings = read_settings(base_name(argv[0]));
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
  append_to_engine_log(command, error);
  return error;
}

}  // namespace runi
