#include "core/json.h"
#include "core/path.h"
#include "runictl/host/proof.h"
#include "runictl/host/proof_words.h"
#include "system/deadline.h"
#include "system/error.h"
#include "system/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <vector>

namespace runi {
namespace {

constexpr std::string_view kPrefix =
    "runi-proof-";  // of the bundle's directory, which is also the container's id
constexpr std::chrono::seconds kPatience(20);
constexpr std::chrono::seconds kPatienceWithDelete(5);
constexpr std::size_t kMaxOutput = 4096;
constexpr int kNotExecuted = 127;

// How a program ended, and the end of what it wrote.
struct Ended {
  int status = 0;  // as a shell has it: 128 and more for a signal
  std::string output;
};

// After fork(2), so only what is safe there.
[[noreturn]] void become_in(const char* root, char** argv, int output) {
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const bool is_other_root = root[0] != '/' || root[1] != '\0';
  if ((!is_other_root || chroot(root) == 0) && chdir("/") == 0) execv(argv[0], argv);
  constexpr std::string_view kWhy = "cannot be executed";
  (void)!write(STDERR_FILENO, kWhy.data(), kWhy.size());
  _exit(kNotExecuted);
}

// Reads until every writer is gone. Returns whether that was before the deadline.
bool read_to_end(int fd, Clock::time_point deadline, std::string& text) {
  std::array<char, 4096> buffer{};
  for (;;) {
    if (!wait_to_read(fd, deadline)) return false;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kMaxOutput) text.erase(0, text.size() - kMaxOutput);
  }
}

Result<Ended> run(const std::string& root, std::vector<std::string> words, std::chrono::seconds patience) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) return last_error("pipe");
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return last_error("fork");
  if (pid == 0) become_in(root.c_str(), argv.data(), writing.number());
  writing = Fd();
  Ended ended;
  const bool is_in_time = read_to_end(reading.number(), Clock::now() + patience, ended.output);
  if (!is_in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!is_in_time) return Error{"did not finish within " + std::to_string(patience.count()) + " s"};
  constexpr int kSignalled = 128;
  ended.status = WIFSIGNALED(status) ? kSignalled + WTERMSIG(status) : WEXITSTATUS(status);
  return ended;
}

// A container with a PID namespace of its own, and the place that its init is mounted in.
std::string configuration(const std::string& runictl) {
  return R"({"ociVersion": "1.0.2", "hostname": "runi-proof",
 "root": {"path": "rootfs", "readonly": true},
 "process": {"args": ["/runictl", "in-container"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "noNewPrivileges": true},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
  {"destination": "/runictl", "type": "bind", "source": )" +
         json::quote(runictl) + R"(, "options": ["bind", "ro"]}],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]}})";
}

// Removes a bundle and the container that may still be made of it.
void remove_bundle(const std::string& root, const std::string& runi, const std::string& directory) {
  const std::string id(base_name(directory));
  // Most often there is none, which is said and does not matter.
  (void)run(root, {runi, "delete", "--force", id}, kPatienceWithDelete);
  std::error_code ignored;  // it lies in /run, and the next proof removes it
  std::filesystem::remove_all(directory, ignored);
}

void remove_left_over(const std::string& root, const std::string& runi, const std::string& run_directory) {
  std::error_code error;
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(run_directory, error)) {
    if (entry.path().filename().native().starts_with(kPrefix)) found.push_back(entry.path().native());
  }
  for (const std::string& directory : found) remove_bundle(root, runi, directory);
}

Result<void> make_bundle(const std::string& directory, const std::string& runictl) {
  for (const char* const name : {"/rootfs", "/rootfs/proc", "/rootfs/dev"}) {
    if (mkdir((directory + name).c_str(), 0755) < 0) return last_error("mkdir " + directory + name);
  }
  const std::string path = directory + "/config.json";
  const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | kOpenFlags, 0600));
  if (!file.is_open()) return last_error("open " + path);
  auto written = write_all(file.number(), configuration(runictl));
  return written ? written : with_context(path, written.error());
}

std::string last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const auto newline = text.rfind('\n');
  return json::printable(newline == std::string_view::npos ? text : text.substr(newline + 1), kMaxOutput);
}

}  // namespace

Result<void> prove_by_runi(const std::string& runi, const std::string& runictl, const std::string& root) {
  const std::string run_directory = joined(root, "run");
  remove_left_over(root, runi, run_directory);
  std::string directory = joined(run_directory, std::string(kPrefix) + "XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) return last_error("mkdtemp " + directory);
  const std::string program = runictl.empty() ? joined(directory_of(runi), "runictl") : runictl;
  const std::string id(base_name(directory));
  auto done = make_bundle(directory, program);
  if (done) {
    const auto ended = run(root, {runi, "run", "--bundle", "/run/" + id, id}, kPatience);
    const auto more = [&] { return ended->output.empty() ? "" : ": " + last_line(ended->output); };
    done = ended ? judge_proof(ended->status, more()) : Result<void>(ended.error());
  }
  remove_bundle(root, runi, directory);
  return done ? done : with_context(runi, done.error());
}

}  // namespace runi
