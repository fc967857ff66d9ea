// How to tell an init system, which must be PID 1 itself, from other commands.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace runi {

// The words of a command without one in front that only chooses a program: `init` of `busybox init`.
[[nodiscard]] std::span<const std::string_view> without_multi_call(std::span<const std::string_view> args);

// Whether a program of this base name is an init system.
[[nodiscard]] bool is_init_system(std::string_view name);

// The part of a command, as without_multi_call() leaves it, that becomes an init system: the command itself,
// the path of one among its arguments, or a command that a shell's script executes. An argument that merely
// has such a name, as in `git init`, is not one. Empty where no part does.
[[nodiscard]] std::optional<std::string> find_init_system(std::span<const std::string_view> args);

}  // namespace runi
