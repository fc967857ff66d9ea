// What a runtime's command line says: the one place that knows how runc's and crun's arguments are read.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace runi {

// Whose rules decide where a flag ends and its value begins. The same words can mean different things:
// `-bundle X` is --bundle X to runc and `-b undle` to crun.
enum class Dialect {
  runc,  // urfave/cli: one or two dashes, `=`, no abbreviations; also fits youki and runsc
  crun,  // argp over getopt_long: abbreviations, clusters, -bDIR; options end at the container id
};

// Whether crun, called by this base name, is one of its handlers and may run no process at all: krun,
// crun-wasm. Source: crun src/crun.c, fill_handler_from_argv0().
[[nodiscard]] bool names_a_handler(std::string_view program);

// The dialect of the program at `runtime_path`, judged by its base name: crun and its handlers are argp's.
[[nodiscard]] Dialect dialect_of(std::string_view runtime_path);

enum class Verb { create, run, restore, other };

enum class LogFormat { text, json };

// The words that runi needs; views into the arguments. Nothing here is an error: a wrong command line is for
// the runtime to refuse.
struct CommandLine {
  Verb verb = Verb::other;        // also where --help or --version keeps the verb from running
  std::string_view bundle = ".";  // as given, "." where it is not or is empty
  // crun's --config: relative to the cwd, not to the bundle. Unset where it is just "config.json", which to
  // crun is its default, the bundle's (src/run_create.c).
  std::optional<std::string_view> config_file;
  std::string_view container_id;  // of a start only; empty where it is missing
  std::string_view log;           // the file of --log, empty where there is none
  bool log_in_bundle = false;     // a relative log is relative to the bundle, as crun has it, not to the cwd
  LogFormat log_format = LogFormat::text;
};

// Reads args, the words after argv[0], as a program of that dialect would.
[[nodiscard]] CommandLine parse_command_line(std::span<const char* const> args, Dialect dialect);

}  // namespace runi
