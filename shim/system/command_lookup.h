// Whether a container's root directory has the program that its command names.
#pragma once

#include "core/rootfs.h"
#include "core/spec.h"

#include <string>

namespace runi {

// Looks for the command in the root directory of the container, of which `bundle` is the directory, as the
// runtime will. Answers only what is certain: where a mount, a hook or a link that cannot be followed may
// change the answer, the command may start.
CommandLookup look_up_command(const std::string& bundle, const Spec& spec);

}  // namespace runi
