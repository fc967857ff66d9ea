// How runictl shows containers, to people and to programs.
#pragma once

#include "runictl/containers/containers.h"
#include "runictl/machine/procfs.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// A container of a survey and what is to be said of it.
struct Assessed {
  const Container* container = nullptr;
  Assessment assessment;
};

// Worst first. They point into the survey.
[[nodiscard]] std::vector<Assessed> assess_all(const Survey& survey);

// Whether pods' sandboxes are only counted, unless something is to be said of one.
enum class Sandboxes : std::uint8_t { counted, listed };

// A table of so many columns of text, and a summary. Below some 60 columns it does not get narrower.
[[nodiscard]] std::string list_scan(const Survey& survey, std::span<const Assessed> assessed,
                                    std::size_t width, bool colours, Sandboxes sandboxes);
[[nodiscard]] std::string scan_as_json(const Survey& survey, std::span<const Assessed> assessed);

// A runi-init at work. Memory that may not be seen is empty.
struct RunningInit {
  Container container;
  std::optional<Process> application;
  std::optional<std::uint64_t> pss_kib;
  std::optional<std::uint64_t> private_dirty_kib;
};

// Of the processes that an init has for children, the one it started itself: it was the first.
[[nodiscard]] std::optional<Process> find_application(const Process& init,
                                                      std::span<const Process> processes);

// Leaves out what is an init's child and still the init itself: the application, before it executes.
void drop_unborn(std::vector<RunningInit>& inits);

[[nodiscard]] std::string list_inits(std::span<const RunningInit> inits, std::size_t width, bool colours);
[[nodiscard]] std::string inits_as_json(std::span<const RunningInit> inits);

// `text` in at most so many columns, with "…" in the place of what had to go from its end.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);

// The same of "namespace/pod/container", where the end of the pod's name goes first: there stands what
// Kubernetes has added to its Deployment's name.
[[nodiscard]] std::string shortened_title(std::string_view title, std::size_t columns);

// A JSON text of JsonWriter's on a single line, its line feed included.
[[nodiscard]] std::string on_one_line(std::string_view json);

}  // namespace runi
