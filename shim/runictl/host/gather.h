// Gathers what the plan of an installation goes by.
#pragma once

#include "runictl/host/files.h"
#include "runictl/installer/facts.h"
#include "runictl/machine/machine.h"

#include <cstdint>
#include <string>
#include <variant>

namespace runi {

// The engine that is meant where nobody has named one: the kubelet's; else the only one that runs; else the
// only one that is there. Refuses to choose among several.
[[nodiscard]] std::variant<const EngineKind*, Refusal> choose_engine(const Machine& machine);

enum class Purpose : std::uint8_t { addition, removal };

// Refuses an engine whose files cannot be read; for an addition also one whose program cannot be asked how it
// reads them.
[[nodiscard]] std::variant<EngineFacts, Refusal> gather_engine(const Machine& machine, const EngineKind& kind,
                                                               Purpose purpose);

// The programs that this one was installed with: of these `runictl` is this one.
// Errors: one of them is not there, or cannot be read.
Result<Payload> read_payload();

// All but the engine, for programs below `prefix`. Empty: the host's default; or, on this machine, where runi
// is already if its engines can use it there. `payload` and `files` must outlive the facts.
[[nodiscard]] HostFacts gather_host(const Machine& machine, const HostFiles& files, const Payload& payload,
                                    std::string prefix);

}  // namespace runi
