// Does what a plan says, or leaves everything as it was.
#pragma once

#include "core/result.h"
#include "runictl/host/files.h"
#include "runictl/installer/plan.h"
#include "runictl/machine/machine.h"

#include <string>

namespace runi {

// The record as it is on the machine; empty where there is none. Errors: the file, and what is wrong with it.
Result<Record> read_record(const HostFiles& files);

// Takes away what an earlier run has left beside files that was killed.
void sweep_all(const HostFiles& files, const EngineFacts& engine, const Record& record);

struct Performed {
  std::string note;  // what could not be proven and why; empty where all was, or nothing had to be
};

// Records the plan before the first step and after the last one. If a step fails, those before it are undone
// in reverse, the engine is made to read its configuration again if it was before, and the record is as it
// was. Errors: the step, and what could not be undone, if anything.
Result<Performed> perform(const Machine& machine, const HostFiles& files, const HostFacts& facts,
                          const Plan& plan, const Record& record, RestartBy by);

}  // namespace runi
