// What tells an init system, which must be PID 1 itself, from other commands.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace runi {

// The words of a command without those in front that only choose a program: "busybox" of `busybox init`.
[[nodiscard]] std::span<const std::string_view> without_multi_call(std::span<const std::string_view> args);

// Whether a program of this base name is an init system.
[[nodiscard]] bool is_init_system(std::string_view name);

// What in a command, as without_multi_call() leaves it, becomes an init system: the command itself, the path
// of one among its arguments, or what a shell's script executes. An argument that is merely called like one,
// as in `git init`, is none. Nothing where there is nothing of the kind.
[[nodiscard]] std::optional<std::string> find_init_system(std::span<const std::string_view> args);

}  // namespace runi
