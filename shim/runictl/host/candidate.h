// Has an engine's own program judge a configuration before it is put in place.
#pragma once

#include "core/result.h"
#include "runictl/host/files.h"
#include "runictl/installer/facts.h"

#include <string>

namespace runi {

// Of the engine's files, `candidate` is to take the place of the one at its path. Lays files below
// /var/lib/runi for the engine's program, or beside its main file where that imports others by relative
// paths, and takes them away again. Errors: the program refuses them; anything else would change than
// `handler`.
Result<void> judge_candidate(const Machine& machine, const HostFiles& files, const EngineFacts& engine,
                             const HandlerWanted& handler, const ConfigFile& candidate);

// Takes away what a process that was killed has left of that.
void sweep_candidates(const HostFiles& files, const EngineFacts& engine);

}  // namespace runi
