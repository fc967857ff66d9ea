// SHA-256 (FIPS 180-4) of bytes in memory.
#pragma once

#include <string>
#include <string_view>

namespace runi {

// In hexadecimal digits, as sha256sum(1) prints it.
[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace runi
