// The edit of a container's config.json, as bytes.
#pragma once

#include "core/decide.h"
#include "core/spec.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// One of the three places where the edit changes the file: `text` stands where bytes [begin, end) stood.
struct Splice {
  std::string_view pointer;  // RFC 6901: what is added or replaced; "/mounts/-" is appended to /mounts
  std::size_t begin;
  std::size_t end;
  std::string text;
};

// The edit that inject() makes, in the order of the text; none overlaps another.
[[nodiscard]] std::vector<Splice> splices_of(const Spec& spec, const Injection& injection,
                                             std::string_view init_path, std::string_view version);

// `bytes`, from which `spec` was parsed, with the init at `init_path` (on the host) injected: its arguments
// before process.args, its mount after the last of mounts, and the annotation kInjectedAnnotation =
// `version`. Every other byte stands as it stood. `spec.args` must not be empty.
[[nodiscard]] std::string inject(std::string_view bytes, const Spec& spec, const Injection& injection,
                                 std::string_view init_path, std::string_view version);

}  // namespace runi
