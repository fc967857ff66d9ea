// The command line of runi-init, read without a system call.
#pragma once

namespace runi {

enum class Request { run, help, version, refuse };

// What the command line asks for. Strings point into the arguments.
struct Options {
  Request request = Request::run;
  bool forward_to_group = false;         // -g
  bool subreaper = false;                // -s
  const char* const* command = nullptr;  // run: the application's arguments, null-terminated, at least one
  const char* complaint = nullptr;       // refuse: what is wrong
  const char* wrong = nullptr;           // refuse: the argument that is, as it was given; may be null
};

// Reads args, main's argv whole. Options stand before the command, as POSIX has it (Utility Syntax Guideline
// 9): the first argument that is not one begins the command, so `ls -l` needs no `--`. Short options may be
// clustered (-gs). args may be empty.
[[nodiscard]] Options parse_options(const char* const* args);

}  // namespace runi
