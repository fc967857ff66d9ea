// The table of the init's system calls against the real init, which is bound to those calls alone.
#include "core/init_calls.h"

#include "oracle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <pty.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

namespace runi {
namespace {

constexpr std::uint32_t kKill = SCMP_ACT_KILL_PROCESS;

// Allows what the table says the init calls, argument by argument, and kills for all else; `refused`, if
// there is one, gets the error. writev is the application's, which is an init that tells its version.
bool bind_to_the_table(const seccomp::Call* refused, int error) {
  scmp_filter_ctx filter = seccomp_init(kKill);
  const auto add = [filter](const seccomp::Call& call, std::uint32_t action) {
    std::vector<scmp_arg_cmp> conditions;
    for (unsigned i = 0; i < 6; ++i) {
      if (call.arguments[i].known) conditions.push_back({i, SCMP_CMP_EQ, call.arguments[i].value, 0});
    }
    const int added = seccomp_rule_add_array(filter, action, call.number,
                                             static_cast<unsigned>(conditions.size()), conditions.data());
    return added == 0 || added == -EEXIST;
  };
  if (refused != nullptr && !add(*refused, SCMP_ACT_ERRNO(static_cast<unsigned>(error)))) return false;
  for (const seccomp::Call& call : seccomp::init_calls()) {
    const bool is_refused = refused != nullptr && std::string_view(refused->name) == call.name;
    if (!is_refused && !add(call, SCMP_ACT_ALLOW)) return false;
    // Other arguments of the call that is refused.
    if (is_refused && &call != refused && !add(call, SCMP_ACT_ALLOW)) return false;
  }
  if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(writev), 0) != 0) return false;
  std::vector<sock_filter> program = export_program(filter);
  const sock_fprog installed = {static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &installed) == 0;
}

// With a terminal the init takes a SIGCONT for the kernel's own, and puts back what somebody else has sent.
void send_what_is_put_back() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCONT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  sigqueue(getpid(), SIGCONT, sigval{});
}

enum class Session {
  inherited,
  own,  // which it leads, without a terminal
  on_terminal,
};

struct Surroundings {
  Session session = Session::inherited;
  std::vector<std::string> environment = {};
  int error = EPERM;  // for the call that is refused
};

// The exit status of the init, or 256 and the signal that ended it.
int run_init(const std::vector<std::string>& options, const seccomp::Call* refused,
             Surroundings surroundings = {}) {
  const bool terminal = surroundings.session == Session::on_terminal;
  std::vector<std::string>& environment = surroundings.environment;
  std::vector<std::string> words = {RUNI_INIT};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {"--", RUNI_INIT, "--version"});
  const auto pointers = [](std::vector<std::string>& strings) {
    std::vector<char*> all;
    all.reserve(strings.size() + 1);
    for (std::string& string : strings) all.push_back(string.data());
    all.push_back(nullptr);
    return all;
  };
  int master = -1;
  const pid_t pid = terminal ? forkpty(&master, nullptr, nullptr, nullptr) : fork();
  if (pid == 0) {
    for (std::string& variable : environment) {
      if (variable.ends_with("=")) variable += std::to_string(getpid());
    }
    if (!terminal) {
      const int null = open("/dev/null", O_RDWR);
      dup2(null, 0);
      dup2(null, 1);
      dup2(null, 2);
    }
    if (terminal) send_what_is_put_back();
    if (surroundings.session == Session::own) setsid();
    const auto args = pointers(words);
    const auto variables = pointers(environment);
    if (!bind_to_the_table(refused, surroundings.error)) _exit(99);
    execve(RUNI_INIT, args.data(), variables.data());
    _exit(98);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (master >= 0) close(master);
  return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(Init, calls_nothing_that_is_not_in_the_table) {
  for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
           {}, {"-s"}, {"-n"}, {"-g"}, {"-t", "1"}, {"-w"}, {"-s", "-g", "-t", "1"}}) {
    SCOPED_TRACE(testing::PrintToString(options));
    EXPECT_EQ(run_init(options, nullptr), 0);
    EXPECT_EQ(run_init(options, nullptr, {Session::own}), 0);
    EXPECT_EQ(run_init(options, nullptr, {Session::on_terminal}), 0);
    EXPECT_EQ(run_init(options, nullptr,
                       {Session::inherited, {"LISTEN_PID=", "WATCHDOG_PID=", "LISTEN_PIDFDID=1"}}),
              0);
  }
}

// Without any one of the calls that it is said to do without, it tries nothing else than what is in the
// table.
TEST(Init, does_without_what_the_table_says) {
  for (const seccomp::Call& call : seccomp::init_calls()) {
    if (call.need == seccomp::Need::indispensable) continue;
    SCOPED_TRACE(call.name);
    EXPECT_EQ(run_init({}, &call), 0);
    EXPECT_EQ(run_init({"-s", "-t", "1"}, &call), 0);
    EXPECT_EQ(run_init({}, &call, {Session::on_terminal}), 0);
  }
}

// Then it takes back what it has done for the start.
TEST(Init, gives_up_with_calls_of_the_table_where_there_is_no_process_to_be_had) {
  const auto calls = seccomp::init_calls();
  const auto process = std::find_if(calls.begin(), calls.end(), [](const seccomp::Call& call) {
    return call.need == seccomp::Need::process;
  });
  for (const Session session : {Session::inherited, Session::own, Session::on_terminal}) {
    EXPECT_EQ(run_init({"-s"}, &*process, {session, {}, EAGAIN}), 0);
  }
}

}  // namespace
}  // namespace runi
