// Looks at a container's root directory before anything is mounted there.
#pragma once

#include "core/rootfs.h"
#include "core/spec.h"
#include "system/fd.h"

#include <string>
#include <string_view>

namespace runi {

// Opens the root directory of the container, of which `bundle` is the directory, with O_PATH; not open where
// that fails, for the reason in errno. `root_path` is the specification's and not empty.
Fd open_root(const std::string& bundle, std::string_view root_path);

// Looks at the root directory of the container, of which `bundle` is the directory, and at where its mounts
// land there. Leaves Rootfs::command as it is (command_lookup.h). Never an error: see Rootfs::known and
// Rootfs::doubt.
Rootfs look_at_rootfs(const std::string& bundle, const Spec& spec);

}  // namespace runi
