// Whether the configuration of Docker that names runi is right. Pure. Source: dockerd(8), "runtimes".
#pragma once

#include "runictl/engines/judge.h"

#include <string>
#include <vector>

namespace runi {

// The programs that runtimes in a daemon.json name, which judge_docker has to be told of.
[[nodiscard]] std::vector<std::string> programs_of_docker(const ConfigFile& file);

[[nodiscard]] Judgement judge_docker(const ConfigFile& file, const Programs& programs);

}  // namespace runi
