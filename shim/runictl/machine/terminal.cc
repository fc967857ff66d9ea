#include "runictl/machine/terminal.h"

#include "runictl/show/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace runi {

bool colours_wanted() {
  const char* refusal = std::getenv("NO_COLOR");
  if (refusal != nullptr && *refusal != '\0') return false;
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
}

std::size_t line_width() {
  constexpr std::size_t kDefault = 120;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const long wanted = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  return wanted > 0 && wanted < 10000 ? static_cast<std::size_t>(wanted) : kDefault;
}

void print(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);  // flush_output tells
}

Result<void> flush_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return Error{std::string("write: ") + std::strerror(errno != 0 ? errno : EIO)};
}

void complain(std::string_view message) {
  const std::string line = "runictl: " + printable(message) + "\n";
  (void)std::fwrite(line.data(), 1, line.size(), stderr);  // a caller without stderr is not to fail for that
}

}  // namespace runi
