// How a program file says which runi it is.
#pragma once

#include <string_view>

namespace runi {

// What stands in runi's file before its version, and nowhere else: for those who look into the file, since
// the whole command line is the runtime's.
inline constexpr std::string_view kVersionMark = "runi.dev/version=";

}  // namespace runi
