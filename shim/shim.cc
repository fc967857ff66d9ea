#include "shim.h"

#include "command_line.h"
#include "config.h"
#include "decide.h"
#include "edit.h"
#include "report.h"
#include "settings.h"
#include "spec.h"
#include "system.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace runi {
namespace {

constexpr int kMaxAttempts = 16;  // at a config.json that somebody else replaces at the same time

std::string spec_path(const CommandLine& command) {
  if (command.config_file) return std::string(*command.config_file);
  return std::string(command.bundle) + "/config.json";
}

// Edits the config.json where the container is to get the init.
// Errors: injection is wanted but cannot work.
Result<void> prepare(const CommandLine& command, const Config& config) {
  const std::string path = spec_path(command);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto file = read_file(path, kMaxSpecBytes);
    if (!file) return with_context(path, file.error());
    if (!*file) return {};  // the runtime's own error is the one the user knows
    auto spec = parse_spec((*file)->bytes);
    if (!spec) return with_context(path, spec.error());
    const Rootfs rootfs = look_at_rootfs(std::string(command.bundle), *spec);
    const Plan plan = decide(command, config, *spec, rootfs);
    if (plan.reason == Reason::no_place) {
      return Error{path + ": " + std::string(name_of(plan.reason)) + ": " + plan.detail};
    }
    if (!plan.injection) return {};
    auto init = find_init(config.init_path);
    if (!init) return init.error();
    auto replaced = replace_file(**file, inject((*file)->bytes, *spec, *plan.injection, *init, RUNI_VERSION));
    if (!replaced) return with_context(path, replaced.error());
    if (*replaced == Replaced::yes) return {};
  }
  return Error{path + ": other processes keep replacing it"};
}

Result<void> prepare_start(const CommandLine& command, const Settings& settings) {
  if (settings.broken) return *settings.broken;
  // Nothing in a config.json could change this, not even that it cannot be read.
  if (settings.config.inject == Inject::never) return {};
  auto prepared = prepare(command, settings.config);
  if (prepared || settings.config.on_failure == OnFailure::fail) return prepared;
  log_warning("container " + std::string(command.container_id) +
              " starts without an init: " + prepared.error().what);
  return {};
}

}  // namespace

Error run(int argc, char** argv) {
  // Only Linux before 5.18 starts programs without any argv[0].
  if (argc < 1) return Error{"called without a name; argv[0] is missing"};
  const std::string_view called_as = argv[0];
  Settings settings = read_settings(called_as.substr(called_as.rfind('/') + 1));
  auto runtime = choose_runtime(settings.config);
  const CommandLine command = parse_command_line(std::span<const char* const>(argv + 1, argv + argc),
                                                 runtime ? dialect_of(*runtime) : Dialect::runc);
  const auto fail = [&command](const Error& error) {
    report(command, error);
    return error;
  };
  if (!runtime) return fail(runtime.error());
  settings.config.runtime = *runtime;
  if (command.verb != Verb::other) {
    if (auto prepared = prepare_start(command, settings); !prepared) return fail(prepared.error());
  }
  return fail(become(*runtime, argv));
}

}  // namespace runi
