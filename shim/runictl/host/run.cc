#include "runictl/host/run.h"

#include "system/deadline.h"
#include "system/error.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

namespace runi {
namespace {

constexpr std::size_t kMaxOutput = 16 << 20;
constexpr std::size_t kMaxMessage = 4096;  // of stderr only the end is kept
constexpr int kNotStarted = 127;

struct Pipe {
  Fd reading;
  Fd writing;

  static Result<Pipe> make() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) return last_error("pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
  }
};

// In the child: becomes the program, or writes errno to `failure`.
[[noreturn]] void become_program(const Fd& root, char* const* argv, const Pipe& out, const Pipe& err,
                                 const Fd& failure) {
  static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  static char* const environment[] = {path, nullptr};
  const int nothing = open("/dev/null", O_RDONLY);
  const bool ready = nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
                     dup2(out.writing.number(), STDOUT_FILENO) >= 0 &&
                     dup2(err.writing.number(), STDERR_FILENO) >= 0;
  // Without a change of root there is no need for the capability.
  const bool entered = !root.is_open() || (fchdir(root.number()) == 0 && chroot(".") == 0);
  if (ready && entered) execve(argv[0], argv, environment);
  const int error = errno;
  if (write(failure.number(), &error, sizeof error) < 0) _exit(kNotStarted);
  _exit(kNotStarted);
}

// Reads both to their ends. Errors: too late, or too much.
Result<void> read_both(const Fd& out, const Fd& err, int timeout_s, std::string& output,
                       std::string& message) {
  const auto deadline = Clock::now() + std::chrono::seconds(timeout_s);
  std::array<pollfd, 2> open = {pollfd{out.number(), POLLIN, 0}, pollfd{err.number(), POLLIN, 0}};
  std::array<char, 65536> buffer{};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    const int ready = poll(open.data(), open.size(), ms_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Error{"not done within " + std::to_string(timeout_s) + " s"};
    for (pollfd& end : open) {
      if (end.fd < 0 || end.revents == 0) continue;
      const ssize_t got = read(end.fd, buffer.data(), buffer.size());
      std::string& text = end.fd == out.number() ? output : message;
      if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) end.fd = -1;
    }
    if (output.size() > kMaxOutput) return Error{"writes more than " + std::to_string(kMaxOutput) + " bytes"};
    if (message.size() > kMaxMessage) message.erase(0, message.size() - kMaxMessage);
  }
  return {};
}

std::string last_line_of(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

Result<Ran> run_in(const Machine& machine, const std::vector<std::string>& argv, int timeout_s) {
  Fd root;
  if (!machine.is_this()) {
    auto opened = machine.open("/", O_PATH | O_DIRECTORY);
    if (!opened) return with_context(argv[0], opened.error());
    root = std::move(*opened);
  }
  auto out = Pipe::make();
  auto err = Pipe::make();
  auto failure = Pipe::make();
  if (!out || !err || !failure) return with_context(argv[0], last_error("pipe"));
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return with_context(argv[0], last_error("fork"));
  if (pid == 0) become_program(root, pointers.data(), *out, *err, failure->writing);
  for (Pipe* each : {&*out, &*err, &*failure}) each->writing = Fd();
  Ran ran;
  const auto read = read_both(out->reading, err->reading, timeout_s, ran.output, ran.message);
  if (!read) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!read) return with_context(argv[0], read.error());
  if (int cause = 0; ::read(failure->reading.number(), &cause, sizeof cause) == sizeof cause) {
    errno = cause;
    return with_context(argv[0], last_error("run"));
  }
  ran.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  ran.last_line = last_line_of(ran.message);
  return ran;
}

Result<std::string> output_of(const Machine& machine, const std::vector<std::string>& argv, int timeout_s) {
  auto ran = run_in(machine, argv, timeout_s);
  if (!ran) return ran.error();
  if (ran->status == 0) return std::move(ran->output);
  std::string command;
  for (const std::string& word : argv) command += (command.empty() ? "" : " ") + word;
  return Error{command + ": status " + std::to_string(ran->status) +
               (ran->last_line.empty() ? "" : ": " + ran->last_line)};
}

}  // namespace runi
