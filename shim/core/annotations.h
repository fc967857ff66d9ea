// What a container's annotations ask of runi: which there are, which are ignored, and how values are written.
#pragma once

#include "core/config.h"
#include "core/spec.h"
#include "core/tuning.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

struct Wishes {
  std::optional<bool> init;  // whether the container wants one
  std::string init_from;     // the annotation that says so, in printable ASCII
  Tuning tuning;             // the administrator's, and over it what the annotations say
  // Each annotation of runi's that is ignored, and why: one line of printable ASCII, whatever it holds. There
  // are kMostComplaints at most; the last then tells how many more there would be.
  std::vector<std::string> complaints;
};

inline constexpr std::size_t kMostComplaints = 16;

// Whether the key is one that runi reads, for a pod or for one container of it.
[[nodiscard]] bool is_of_runi(std::string_view key);

// The container's name in its pod, as the engine notes it; empty where it does not.
[[nodiscard]] std::string_view container_name(const Spec& spec);

// Reads runi.dev/<key> and <the container's name>.runi.dev/<key>, which overrides it. An annotation with an
// unknown key, an invalid value or a key that pods may not set is ignored, with a complaint; one for a
// container of another name is ignored without.
[[nodiscard]] Wishes read_wishes(const Spec& spec, const Config& config);

}  // namespace runi
