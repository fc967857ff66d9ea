// An engine that runs: has it read its configuration again, waits for it, and tries a handler.
#pragma once

#include "core/result.h"
#include "runictl/installer/facts.h"
#include "runictl/machine/machine.h"

#include <string>
#include <vector>

namespace runi {

class Engine {
 public:
  // Both must outlive it.
  Engine(const Machine& machine, const EngineFacts& facts, RestartBy by)
      : machine_(machine), facts_(facts), by_(by) {}

  // By systemd, or by a signal to the process that listens on the engine's socket; nothing where that is not
  // wanted. Errors: what systemd or the kernel said; the process does not end that has to.
  [[nodiscard]] Result<void> reload() const;

  // Until the engine answers and is ready, and lists the handler if it is of those that list any. An empty
  // handler: only until it answers. Errors: it has not within a minute, and what it said last.
  [[nodiscard]] Result<void> await(const std::string& handler) const;

  // Whether it lists the handler; empty where it does not answer, or lists none.
  [[nodiscard]] std::optional<bool> lists(const std::string& handler) const;

  // Runs one container. Returns why that proves nothing; empty where it does. Errors: the container did not
  // run, or not under runi-init.
  [[nodiscard]] Result<std::string> prove(const std::string& handler, const std::string& program,
                                          const std::string& runictl) const;

  // The containers that would be lost without the handler, as people call them. `is_default`: also those that
  // name no handler. Errors: it cannot be known.
  [[nodiscard]] Result<std::vector<std::string>> containers_of(const std::string& handler,
                                                               bool is_default) const;

 private:
  [[nodiscard]] Result<void> reload_by_systemd() const;
  [[nodiscard]] Result<void> reload_by_signal() const;

  const Machine& machine_;
  const EngineFacts& facts_;
  RestartBy by_;
};

}  // namespace runi
