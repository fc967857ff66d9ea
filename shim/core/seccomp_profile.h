// How a container's seccomp profile, which binds the init too, answers the init's system calls.
//
// The runtimes build a filter from the profile with libseccomp (runc: libcontainer/seccomp/seccomp_linux.go,
// InitSeccomp() and matchCall(); crun: src/libcrun/seccomp.c, libcrun_generate_seccomp()). Here only the
// rules for the init's own calls are looked at, and no filter is built.
#pragma once

#include "core/init_calls.h"
#include "core/json.h"
#include "core/result.h"
#include "core/spec.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi::seccomp {

// An action, as libseccomp numbers it, the errno of SCMP_ACT_ERRNO included.
struct Action {
  std::uint32_t value = 0;
  std::string_view name;  // as the profile writes it
};

// A profile, as far as it is about the init's calls.
class Profile {
 public:
  // Reads linux.seccomp of the OCI runtime specification's config-linux.md, which must outlive the Profile.
  // Errors: what the runtimes would refuse or read differently.
  static Result<Profile> parse(const json::Value& value);

  // The actions that may answer the call: one, or several where it depends on an argument that can be
  // anything.
  [[nodiscard]] std::vector<Action> answers_to(const Call& call) const;

 private:
  struct Condition {
    unsigned index = 0;
    int comparison = 0;  // scmp_compare
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
  };
  // One entry of the profile. It may have many calls and conditions; each is kept once, not their product.
  struct Rule {
    std::uint64_t calls = 0;     // a bit for each of the init's calls that it names
    std::uint64_t repeated = 0;  // the same, of those that it names again
    Action action;
    std::vector<Condition> conditions;
    bool separate = false;       // each condition is a rule of its own; else all must hold
    bool unconditional = false;  // a rule without any is among them
  };
  enum class Match { no, maybe, yes };

  static Result<Condition> parse_condition(const json::Value& value);
  Result<void> add(const json::Value& entry);
  static Match match(const Condition& condition, const Argument& argument);
  static bool is_for_equality(const Condition& condition);

  Action default_action_;
  std::vector<Rule> rules_;  // but those that say what the default action says
};

// How the init can be called under a profile.
struct Fit {
  bool shield = true;  // false: without -S, as the profile does not let the init look at the application
};

// Whether the init, called with these arguments (its own path, options, "--"), does its work under the
// container's profile, and does no harm; and which options have to be left out for that. Errors: why not; the
// call and the answer to it.
[[nodiscard]] Result<Fit> judge(const Spec& spec, std::span<const std::string> init_arguments);

}  // namespace runi::seccomp
