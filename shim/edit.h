// The edit of a container's config.json, as bytes.
#pragma once

#include "decide.h"
#include "spec.h"

#include <string>
#include <string_view>

namespace runi {

// `bytes`, from which `spec` was parsed, with the init at `init_path` (on the host) injected: its arguments
// before process.args, its mount after the last of mounts, and the annotation kInjectedAnnotation =
// `version`. Every other byte stands as it stood. `spec.args` must not be empty.
[[nodiscard]] std::string inject(std::string_view bytes, const Spec& spec, const Injection& injection,
                                 std::string_view init_path, std::string_view version);

}  // namespace runi
