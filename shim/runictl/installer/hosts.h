// Operating systems on which an installation goes another way. Pure.
#pragma once

#include "runictl/engines/edit.h"

#include <optional>
#include <string>
#include <string_view>

namespace runi {

// The value of ID in an os-release(5); empty where it has none.
[[nodiscard]] std::string os_id_of(std::string_view os_release);

// Why nothing can be installed from within a running system of that id; empty where it can.
[[nodiscard]] std::optional<Refusal> refusal_of_host(std::string_view os_id);

// Where programs go on it unless a person says otherwise.
[[nodiscard]] std::string_view default_prefix(std::string_view os_id);

}  // namespace runi
