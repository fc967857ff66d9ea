// Whether runi is installed as it should be: facts in, findings out. Pure.
#pragma once

#include "core/config.h"
#include "core/result.h"
#include "runictl/engines/finding.h"
#include "runictl/installation/facts.h"

#include <span>
#include <string>
#include <vector>

namespace runi {

// The links to runi.
[[nodiscard]] std::vector<Finding> judge_leads(const Installation& installation);

// The programs of runi.
[[nodiscard]] std::vector<Finding> judge_programs(const Installation& installation);

// runi's own configuration files.
[[nodiscard]] std::vector<Finding> judge_configurations(std::span<const ConfigurationFile> files,
                                                        const MachineFacts& machine);

// A file that is not in its place yet, by what parse_config said of its text.
[[nodiscard]] std::vector<Finding> judge_draft(const std::string& path, const Result<Config>& config);

// The log, the runtime and the init of each handler. What several handlers share is said once.
[[nodiscard]] std::vector<Finding> judge_handlers(const Handlers& handlers, const MachineFacts& machine);

[[nodiscard]] std::vector<Finding> judge_kernel(const KernelFacts& kernel);

}  // namespace runi
