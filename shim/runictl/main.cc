#include "runictl/commands.h"
#include "runictl/show/output.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <csignal>
#include <exception>

namespace {

int run(int argc, char** argv) {
  CLI::App app("What runi does and why, and whether it is set up as it should be", "runictl");
  app.set_version_flag("--version", "runictl " RUNI_VERSION, "Print the version and exit");
  app.set_help_flag("--help,-h", "Print this help and exit");
  app.require_subcommand(1);
  int status = 0;
  runi::add_explain(app, status);
  runi::add_check(app, status);
  runi::add_scan(app, status);
  runi::add_ps(app, status);
  // The heading is what completions look for, and CLI11's own varies with its version.
  for (CLI::App* command : app.get_subcommands({})) command->group("Commands");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    runi::print(app.help());
  } catch (const CLI::CallForVersion&) {
    runi::print(app.version() + "\n");
  } catch (const CLI::ParseError& error) {
    runi::complain(std::string(error.what()) + "; see runictl --help");
    return runi::kFailed;
  }
  if (auto written = runi::flush_output(); !written) {
    runi::complain("standard output: " + written.error().what);
    return runi::kFailed;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // then it is an error like a full disk. SIGPIPE ends a tool, as it should.
  try {
    return run(argc, argv);
  } catch (
      const std::exception& error) {  // out of memory, or a mistake in how a command declares its options
    runi::complain(error.what());
    return runi::kFailed;
  }
}
