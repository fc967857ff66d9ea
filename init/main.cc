// runi-init, the PID 1 of a container: starts one program, passes signals on to it, reaps orphans, and ends
// as the program ends.

#include "kernel.h"
#include "options.h"
#include "report.h"
#include "serve.h"
#include "start.h"
#include "text.h"

namespace runi {
namespace {

// dockerd expects tini's words around the number (parseInitVersion() in moby's daemon/info_unix.go).
constexpr const char* kVersion = "tini version " RUNI_VERSION " - git.runi-init\n";
constexpr const char* kLicence = "Apache-2.0\n";
constexpr const char* kHelp = "See runi-init(8).\n";

// Whether a child would lose the scheduling policy that the container was given (sched(7)).
bool is_policy_reset_on_fork() {
  const long policy = kernel::scheduling_policy();
  return policy > 0 && (policy & SCHED_RESET_ON_FORK) != 0;
}

[[noreturn, gnu::noinline]] void refuse(const char* complaint, const char* wrong = nullptr) {
  report(wrong != nullptr ? wrong : complaint, wrong != nullptr ? ": " : "",
         wrong != nullptr ? complaint : "");
  kernel::exit(kExitInitError);
}

[[noreturn]] void answer(const Options& options) {
  if (options.request == Request::refuse) refuse(options.complaint, options.wrong);
  const char* words = kHelp;
  if (options.request == Request::version) words = kVersion;
  if (options.request == Request::licence) words = kLicence;
  const iovec text = {const_cast<char*>(words), length_of(words)};
  kernel::writev(1, &text, 1);
  kernel::exit(0);
}

// From the auxiliary vector, which follows the environment (getauxval(3)).
struct Auxiliary {
  long page_size = 65536;     // the largest there is, and a multiple of all others
  bool gains_rights = false;  // by the file's mode: its owner's or its group's
};

Auxiliary read_auxiliary(const char* const* environment) {
  while (*environment != nullptr) ++environment;
  const auto* entry = reinterpret_cast<const unsigned long*>(environment + 1);
  Auxiliary auxiliary;
  // Where the real and the effective id are equal they cancel each other out: users in the lower half, groups
  // in the upper. Not AT_SECURE, which has other causes too.
  static_assert(AT_EUID == AT_UID + 1 && AT_GID == AT_UID + 2 && AT_EGID == AT_UID + 3);
  unsigned long ids = 0;
  for (; entry[0] != AT_NULL; entry += 2) {
    if (entry[0] == AT_PAGESZ) auxiliary.page_size = static_cast<long>(entry[1]);
    if (entry[0] - AT_UID <= AT_EGID - AT_UID) ids ^= entry[0] < AT_GID ? entry[1] : entry[1] << 32;
  }
  auxiliary.gains_rights = ids != 0;
  return auxiliary;
}

}  // namespace

// `stack` holds what the kernel left there: argc, argv, null, environment, null, auxiliary vector.
extern "C" [[noreturn, gnu::used]] void runi_start(char** stack) {
  Program program;
  // Before anything else: until then the kernel drops every signal for a PID 1 without handlers.
  const bool blocked = kernel::set_signal_mask(kernel::kEverySignal, &program.signal_mask) == 0;

  const char** const args = const_cast<const char**>(stack) + 1;
  const char** const environment = args + reinterpret_cast<std::uintptr_t>(*stack) + 1;
  const Auxiliary auxiliary = read_auxiliary(environment);
  // The init runs any command, so with such a mode it would lend its owner's rights to every user.
  if (auxiliary.gains_rights) refuse("set-user-ID");
  const Options options = parse_options(args);
  const bool pause = options.request == Request::pause;
  if (options.request != Request::run && !pause) answer(options);
  // If the init inherited it as ignored, the kernel would reap the application, and its status would be lost.
  // Where there is no application, ignoring it saves the work.
  const kernel::SignalAction on_child_signal = {.handler = pause ? kernel::kIgnore : nullptr, .flags = 0};
  const bool notified = kernel::set_signal_action(SIGCHLD, on_child_signal, &program.on_child_signal) == 0;
  const bool can_be_init = blocked && notified && can_serve();
  if (options.on_parents_death != 0) kernel::set_parent_death_signal(options.on_parents_death);

  if (pause && !can_be_init) refuse("cannot pause");
  if (pause) {
    if (options.subreaper) kernel::set_subreaper(true);
    serve(options, nullptr, {}, args[0], auxiliary.page_size);
  }
  program.args = options.command;
  program.environment = environment;
  if (!can_be_init || is_policy_reset_on_fork()) execute(program);
  // -t waits for orphans, so they must become children of the init.
  const bool subreaper = options.subreaper || options.grace_s > 0;
  if (subreaper) kernel::set_subreaper(true);
  const Place place = prepare_place();
  serve(options, &program, place, args[0], auxiliary.page_size);
  // No process can be made (a limit, a seccomp profile): then without an init.
  take_back(place);
  if (subreaper) kernel::set_subreaper(false);
  execute(program);
}

}  // namespace runi
