// Programs: where runi itself, the runtime and the init are, and whether they can serve.
#pragma once

#include "core/result.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// This program's own file, under a name that holds even where the file has been replaced meanwhile.
inline constexpr const char* kSelf = "/proc/self/exe";

// The system's directories of programs and the names of runtimes in them, each in the order of preference.
inline constexpr std::string_view kProgramDirectories[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                           "/usr/bin",        "/sbin",          "/bin"};
inline constexpr std::string_view kRuntimeNames[] = {"runc", "crun"};

// Where a runtime is looked for if none is configured, in this order: runc and then crun in the system's
// directories and CRI-O's, then both in the directories of `search_path`, a PATH, that are absolute.
[[nodiscard]] std::vector<std::string> runtime_candidates(std::string_view search_path);

// The PATH that this program was called with; empty where there is none. Lives as long as the environment.
[[nodiscard]] std::string_view caller_path();

// The first of the candidates that can be executed and is not the program `runi`.
// Errors: there is none.
Result<std::string> find_runtime(const std::string& runi = kSelf,
                                 std::string_view search_path = caller_path());

// Errors: `path` does not exist, or is the program `runi` under another name.
Result<void> check_runtime(const std::string& path, const std::string& runi = kSelf);

// The init to mount: `configured`, or where that is empty the one installed beside the program `runi`. The
// path has no symbolic links in it, so that it names the same file when a link to the newest version moves
// on. Errors: there is no such file; it is not a regular file that all may read and execute and nobody but
// its owner may write; it lends rights of its own (set-user-ID, set-group-ID, capabilities); its owner is
// neither root, nor this process's user, nor that of `runi`; it is not a static program for this machine; its
// file system is mounted noexec. An init that a lease keeps from being opened is replaced by a copy, if it is
// of this version and its directory can be written to.
Result<std::string> find_init(const std::string& configured, const std::string& runi = kSelf);

// The directory that `program` is in; of kSelf, without symbolic links.
[[nodiscard]] std::string program_directory(const std::string& program);

// Where find_init looks if no init is configured, in this order.
std::array<std::string, 2> init_candidates(const std::string& runi = kSelf);

// Errors: as find_init's, of the file at `path`.
Result<void> check_init(const std::string& path, const std::string& runi = kSelf);

// Becomes the program at `path`. `argv`, null-terminated, passes with `path` as its argv[0]; the environment
// passes as it is. Returns only with an error.
Error become(const std::string& path, char** argv);

}  // namespace runi
