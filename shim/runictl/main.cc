// The command line of runictl; the only file that includes the library for it.
#include "runictl/commands.h"
#include "runictl/machine/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <csignal>
#include <exception>
#include <functional>
#include <memory>

namespace {

constexpr double kDefaultWatchSeconds = 2;
constexpr double kShortestWatchSeconds = 0.1;
constexpr double kLongestWatchSeconds = 86400;

// The command that was called, with its options.
using Command = std::function<runi::Result<int>()>;

void add_explain(CLI::App& app, Command& called) {
  const auto options = std::make_shared<runi::ExplainOptions>();
  CLI::App* command = app.add_subcommand("explain", "Show what runi would do with a container, and why");
  CLI::Option* bundle =
      command->add_option("--bundle,-b", options->bundle, "The container's bundle; default: .");
  CLI::Option* config = command->add_option("--config", options->config, "A config.json without its bundle");
  CLI::Option* container = command->add_option(
      "container", options->container,
      "A running container: NAMESPACE/POD/CONTAINER, its name, its id or the beginning of that; or - for a "
      "config.json from standard input");
  bundle->type_name("DIR")->excludes(config)->excludes(container);
  config->type_name("FILE")->excludes(container);
  container->type_name("");
  command->add_option("--handler", options->handler, "The name that runi is called by; default: runi")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &called] { called = [options] { return runi::explain(*options); }; });
}

void add_check(CLI::App& app, Command& called) {
  const auto options = std::make_shared<runi::CheckOptions>();
  CLI::App* command = app.add_subcommand("check", "Look for mistakes in how runi is set up on this machine");
  command->add_option("--handler", options->handler, "Check only the handler of this name")
      ->type_name("NAME");
  command->add_option("--config", options->config, "Check only this file, before it is put in place")
      ->type_name("FILE");
  command->add_option("--root", options->root, "Check the machine with this root directory; default: /")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &called] { called = [options] { return runi::check(*options); }; });
}

// What scan and ps have both.
template <typename Options>
void add_common(CLI::App& command, Options& options) {
  command.add_flag("--json", options.json, "Print JSON");
  command.add_option("--proc", options.proc, "Read this proc file system, for example the host's")
      ->type_name("DIR");
}

void add_scan(CLI::App& app, Command& called) {
  const auto options = std::make_shared<runi::ScanOptions>();
  CLI::App* command = app.add_subcommand("scan", "List the containers here, those that need an init first");
  add_common(*command, *options);
  command->add_flag("--sandboxes", options->sandboxes, "List pods' sandboxes too, which are only counted");
  CLI::Option* watch =
      command->add_option("--watch", options->watch_s, "Look again at this interval (2 s), until SIGINT")
          ->type_name("SECONDS")
          ->expected(0, 1)
          ->check(CLI::Range(kShortestWatchSeconds, kLongestWatchSeconds));
  command->callback([options, watch, &called] {
    if (watch->count() > 0 && options->watch_s <= 0) options->watch_s = kDefaultWatchSeconds;
    called = [options] { return runi::scan(*options); };
  });
}

void add_ps(CLI::App& app, Command& called) {
  const auto options = std::make_shared<runi::PsOptions>();
  CLI::App* command = app.add_subcommand("ps", "List the containers that run under runi-init");
  add_common(*command, *options);
  command->callback([options, &called] { called = [options] { return runi::ps(*options); }; });
}

// Errors: the command's, or what it printed could not be written.
runi::Result<int> run(const Command& called) {
  auto status = called();
  if (!status) return status.error();
  if (auto written = runi::flush_output(); !written) return with_context("standard output", written.error());
  return status;
}

int run(int argc, char** argv) {
  CLI::App app("Explains what runi does, checks its setup, and finds containers that need an init",
               "runictl");
  app.set_version_flag("--version", "runictl " RUNI_VERSION, "Print the version and exit");
  app.set_help_flag("--help,-h", "Print this help and exit");
  app.require_subcommand(1);
  Command called;
  add_explain(app, called);
  add_check(app, called);
  add_scan(app, called);
  add_ps(app, called);
  // The heading is what completions look for, and CLI11's own varies with its version.
  for (CLI::App* command : app.get_subcommands({})) command->group("Commands");
  app.add_subcommand("in-container")->group("")->callback([&called] { called = runi::in_container; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    called = [&app]() -> runi::Result<int> {
      runi::print(app.help());
      return 0;
    };
  } catch (const CLI::CallForVersion&) {
    called = [&app]() -> runi::Result<int> {
      runi::print(app.version() + "\n");
      return 0;
    };
  } catch (const CLI::ParseError& error) {
    runi::complain(std::string(error.what()) + "; see runictl --help");
    return runi::kFailed;
  }
  const auto status = run(called);
  if (!status) runi::complain(status.error().what);
  return status ? *status : runi::kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // then it is an error like a full disk. SIGPIPE ends a tool, as it should.
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, or a mistake in how a command declares its options.
    runi::complain(error.what());
    return runi::kFailed;
  }
}
