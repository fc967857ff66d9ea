#include "runictl/machine/programs.h"

#include "core/path.h"
#include "system/deadline.h"
#include "system/error.h"
#include "system/files.h"
#include "system/programs.h"
#include "system/settings.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace runi {
namespace {

constexpr std::chrono::seconds kPatience(5);
constexpr std::size_t kMaxLine = 4096;

Result<std::string> read_to_end(int fd, Clock::time_point deadline) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    if (!wait_to_read(fd, deadline)) return Error{"--version: did not finish within 5 s"};
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error("read its output");
    if (got == 0) return text;
    if (text.size() < kMaxLine) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<pid_t> spawn(const std::string& path, int output) {
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0) return Error{"spawn: out of memory"};
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = path;
  std::string option = "--version";
  std::array<char*, 3> arguments = {program.data(), option.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error{std::string("exec: ") + std::strerror(error)};
  return pid;
}

}  // namespace

std::vector<std::string> program_candidates(std::string_view program) {
  if (program.starts_with('/')) return {std::string(program)};
  std::vector<std::string> candidates;
  for (const std::string_view directory : kProgramDirectories) {
    candidates.push_back(joined(directory, program));
  }
  return candidates;
}

bool is_trusted(const Found& found) {
  return (found.mode & 0022) == 0 && (found.uid == 0 || found.uid == geteuid());
}

Result<std::string> version_of(const std::string& path) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) return last_error("pipe");
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const auto pid = spawn(path, writing.number());
  writing = Fd();
  if (!pid) return pid.error();
  auto text = read_to_end(reading.number(), Clock::now() + kPatience);
  if (!text) kill(*pid, SIGKILL);
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return text;
  if (WIFSIGNALED(status)) return Error{"--version: killed by signal " + std::to_string(WTERMSIG(status))};
  if (WEXITSTATUS(status) != 0) {
    return Error{"--version: exited with status " + std::to_string(WEXITSTATUS(status))};
  }
  return text->substr(0, text->find('\n'));
}

}  // namespace runi
