// What a container's annotations ask of runi: which there are, which count, and how their values are written.
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
  // Each annotation that does not count and why: one line of printable ASCII, whatever the annotation holds.
  // There are kMostComplaints at most; the last then tells how many more there would be.
  std::vector<std::string> complaints;
};

inline constexpr std::size_t kMostComplaints = 16;

// The container's name in its pod, as the engine notes it; empty where it does not.
[[nodiscard]] std::string_view container_name(const Spec& spec);

// Reads runi.dev/<key> and, which count more, <the container's name>.runi.dev/<key>. An annotation with an
// unknown key, one that the configuration does not let pods set, or a wrong value counts as not given.
// Annotations for containers of other names are none of this container's.
[[nodiscard]] Wishes read_wishes(const Spec& spec, const Config& config);

}  // namespace runi
