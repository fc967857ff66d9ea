// Whether the configuration of CRI-O that names runi is right. Pure.
// Source: crio.conf(5), crio.conf.d(5).
#pragma once

#include "runictl/engines/judge.h"

#include <span>
#include <string>
#include <vector>

namespace runi {

// The programs that handlers name, which judge_crio has to be told of. The files are crio.conf and after it
// those of crio.conf.d, in the order in which CRI-O reads them.
[[nodiscard]] std::vector<std::string> programs_of_crio(std::span<const ConfigFile> files);

[[nodiscard]] Judgement judge_crio(std::span<const ConfigFile> files, const Programs& programs);

}  // namespace runi
