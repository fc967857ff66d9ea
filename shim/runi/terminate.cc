// In the place of the C++ library's own handler, which prints the exception's type and for that brings the
// demangler of names, whose tables would have to be relocated at every start. Source: libstdc++,
// eh_term_handler.cc.
#include <cstdlib>
#include <exception>

namespace __cxxabiv1 {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the name is the library's
extern std::terminate_handler __terminate_handler;  // unwind-cxx.h
std::terminate_handler __terminate_handler = std::abort;
// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

}  // namespace __cxxabiv1
