// An application that tries to take over process 1 from its first instruction on, for a while. Says "taken"
// where it traces one that has no seccomp filter yet, and so could have it execute anything; "late" where
// there is a filter; "refused" where it never could.
#include <sys/ptrace.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>

namespace {

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

bool has_filter() {
  std::FILE* const file = std::fopen("/proc/1/status", "re");
  char line[256];
  bool found = false;
  while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, "Seccomp:\t2", 10) == 0) found = true;
  }
  return found;
}

}  // namespace

int main() {
  const double end = seconds() + 0.05;
  const char* answer = "refused";
  while (seconds() < end) {
    if (ptrace(PTRACE_SEIZE, 1, nullptr, nullptr) == 0) {
      answer = has_filter() ? "late" : "taken";
      break;
    }
  }
  std::puts(answer);
  return 0;
}
