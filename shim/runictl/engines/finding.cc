#include "runictl/engines/finding.h"

#include <algorithm>

namespace runi {

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::ok: return "ok";
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::problem: return "problem";
  }
  return "unknown";
}

std::size_t count_of(std::span<const Finding> findings, Severity severity) {
  const auto count = std::count_if(findings.begin(), findings.end(), [severity](const Finding& finding) {
    return finding.severity == severity;
  });
  return static_cast<std::size_t>(count);
}

bool is_any_wrong(std::span<const Finding> findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity > Severity::note; });
}

}  // namespace runi
