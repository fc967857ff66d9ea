#include "shield.h"

#include "text.h"

namespace runi {
namespace {

using kernel::set_of;

constexpr __kernel_timespec kMoment = {0, 1'000'000};
constexpr int kMostLooks = 50;       // a moment apart
constexpr int kLongBlocked = 5;      // looks that have found a signal blocked: it is so on purpose
constexpr long kLongRunNs = 50'000;  // longer than it takes to leave a system call

int open_own(const Application& application, const char* name) {
  Numbered path;
  path.set("/proc/", static_cast<std::uint64_t>(application.pid), name);
  return static_cast<int>(kernel::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

// Whether /proc shows the PID namespace that the init is in.
bool has_proc(long self) {
  char found[24] = {};
  Numbered own;
  return kernel::read_link("/proc/self", found, sizeof found - 1) > 0 &&
         equal(found, own.set("", static_cast<std::uint64_t>(self)));
}

std::uint64_t read_digits(const char* text, unsigned base) {
  std::uint64_t number = 0;
  for (;; ++text) {
    unsigned digit = static_cast<unsigned char>(*text) - static_cast<unsigned>('0');
    if (digit > 9) digit = static_cast<unsigned char>(*text) - static_cast<unsigned>('a') + 10;
    if (digit >= base) return number;
    number = number * base + digit;
  }
}

long read_decimal(const char* text) {
  return static_cast<long>(read_digits(text, 10));
}

// Where the application waits, as /proc/PID/wchan tells those who may look into it.
enum class Where : unsigned char { unknown, for_signals, elsewhere };

[[gnu::noinline, gnu::cold]] Where find_where(int file) {
  char name[64] = {};
  if (kernel::read_at(file, name, sizeof name - 1, 0) <= 0 || *name == '0') return Where::unknown;
  for (const char* at = name; *at != '\0'; ++at) {
    if (after(at, "sigtimedwait") != nullptr) return Where::for_signals;
  }
  return Where::elsewhere;
}

}  // namespace

[[gnu::cold]] void open_files(Application& application, long self, bool for_shield) {
  if (!has_proc(self)) return;
  application.status_file = open_own(application, "/status");
  if (for_shield) application.wait_file = open_own(application, "/wchan");
}

[[gnu::noinline, gnu::cold]] bool read_facts(int status_file, Facts& facts) {
  char chunk[1024];
  char line[48];
  std::size_t length = 0;
  long offset = 0;
  for (;;) {
    const long got = kernel::read_at(status_file, chunk, sizeof chunk, offset);
    if (got <= 0) return false;
    offset += got;
    for (const char* at = chunk; at != chunk + got; ++at) {
      if (*at != '\n') {
        if (length < sizeof line - 1) line[length++] = *at;
        continue;
      }
      line[length] = '\0';
      if (const char* letter = after(line, "State:\t")) facts.state = *letter;
      if (const char* pid = after(line, "TracerPid:\t")) facts.tracer = read_decimal(pid);
      if (const char* user = after(line, "Uid:\t")) facts.user = read_decimal(user);
      if (after(line, "Threads:\t0") != nullptr) return false;  // all of it has ended
      if (const char* set = after(line, "SigBlk:\t")) facts.blocked = read_digits(set, 16);
      if (const char* set = after(line, "SigCgt:\t")) facts.handled = read_digits(set, 16);
      // No other line begins with a v. To compare all of it would put these words into the file too.
      constexpr std::size_t kBeforeSleeps = sizeof "voluntary_ctxt_switches:\t" - 1;
      if (*line == 'v' && length > kBeforeSleeps) {
        facts.sleeps = read_decimal(line + kBeforeSleeps);
        return true;
      }
      length = 0;
    }
  }
}

// A signal that is blocked for a moment passes no more than one that is not; one that stays blocked, or is
// waited for, does. While the application waits for signals as sigwait(3) does, and until it runs again, what
// it waits for does not show as blocked (do_sigtimedwait() in kernel/signal.c). So it is certain that it does
// not only if it has been elsewhere, or has run, from one look to the next without having slept. Of one that
// has just begun to sleep the kernel tells the place a little later (get_wchan() in kernel/sched/core.c).
[[gnu::noinline, gnu::cold]] bool passes_shield(Application& application, Signals stops, Facts& facts,
                                                int from, int to) {
  const Signals signal = set_of(to);
  if ((facts.handled & signal) != 0 || to == SIGCONT) {
    application.unhandled &= ~signal;
    return true;
  }
  if ((stops & (signal | set_of(from))) != 0) {
    if ((facts.blocked & signal) == 0) application.unhandled |= signal;
    return true;
  }
  const long clock = kernel::cpu_clock_of(application.pid);
  long used_ns = kernel::time_ns(clock);
  long sleeps = -1;
  bool ran = false;
  int blocked = 0;
  for (int looks = kMostLooks; looks != 0 && (application.waited & signal) == 0; --looks) {
    const Where where = find_where(application.wait_file);
    const bool settled = where == Where::elsewhere || facts.state == 'Z' || (facts.state == 'R' && ran);
    if ((facts.blocked & signal) == 0) {
      blocked = 0;
      if (facts.sleeps == sleeps && settled) return false;
    } else if (settled && facts.state != 'D') {
      ++blocked;  // not while it waits for a child that it has made with vfork(2)
    }
    if (where == Where::for_signals || blocked == kLongBlocked) application.waited |= signal;
    sleeps = facts.sleeps;
    siginfo_t none;
    if ((facts.blocked & signal) != 0 || where != Where::elsewhere) {
      kernel::wait_for_signal(0, &none, &kMoment);
    }
    const long now_ns = kernel::time_ns(clock);
    ran = now_ns - used_ns >= kLongRunNs;
    used_ns = now_ns;
    if (!read_facts(application.status_file, facts) || (facts.handled & signal) != 0) break;
  }
  return true;
}

}  // namespace runi
