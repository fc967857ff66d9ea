// runi-init as it was built with this program, byte for byte.
#pragma once

#include <string_view>

namespace runi {

[[nodiscard]] std::string_view init_image();

}  // namespace runi
