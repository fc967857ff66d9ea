// What a judge has to say of a machine's set-up: one finding for each thing that is right, wrong or worth
// knowing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace runi {

enum class Severity : std::uint8_t { ok, note, warning, problem };

// "ok", "note", "warning", "problem".
[[nodiscard]] std::string_view name_of(Severity severity);

struct Finding {
  Severity severity = Severity::ok;
  std::string subject;  // what it is about: "containerd", "init"
  std::string what;
  std::string where;   // file, or file:line; may be empty
  std::string action;  // what to do; empty where nothing has to be done

  bool operator==(const Finding&) const = default;
};

// How many findings are of that severity.
[[nodiscard]] std::size_t count_of(std::span<const Finding> findings, Severity severity);

// Whether one of the findings is a warning or a problem.
[[nodiscard]] bool is_any_wrong(std::span<const Finding> findings);

}  // namespace runi
