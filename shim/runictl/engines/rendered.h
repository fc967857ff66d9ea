// Main files of containerd that a distribution of Kubernetes writes anew at each start. Pure.
#pragma once

#include "runictl/engines/containerd_edit.h"

#include <cstdint>

namespace runi {

// Whether this containerd reads the folder of drop-ins that its distribution has. Of k0s it does not where
// somebody has taken the main file over.
[[nodiscard]] bool reads_drop_ins(const ContainerdSetup& setup);

// What a person has to do where the handler cannot be a file beside such a main file, of that version.
[[nodiscard]] Refusal refuse_rendered(const ContainerdSetup& setup, std::int64_t version);

}  // namespace runi
