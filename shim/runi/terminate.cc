// In the place of the C++ library's own handler, which prints the exception's type and for that brings the
// demangler of names, whose tables would have to be relocated at every start. Source: libstdc++,
// eh_term_handler.cc.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string_view>

namespace {

// Nothing is left to be done about an error of this write, nor memory to say more.
[[noreturn]] void say_and_abort() {
  constexpr std::string_view kLine =
      "runi: an exception that nothing catches; most likely there is no memory\n";
  (void)!write(STDERR_FILENO, kLine.data(), kLine.size());
  std::abort();
}

}  // namespace

namespace __cxxabiv1 {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the name is the library's
extern std::terminate_handler __terminate_handler;  // unwind-cxx.h
std::terminate_handler __terminate_handler = say_and_abort;
// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

}  // namespace __cxxabiv1
