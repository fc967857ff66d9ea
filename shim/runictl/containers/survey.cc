#include "runictl/containers/survey.h"

#include <algorithm>

namespace runi {

bool is_sealed(const Container& container) {
  return container.program.empty();
}

std::string title_of(const Container& container, std::span<const Container> containers) {
  std::string title = title_of(container.identity);
  std::string around;
  int outer = container.outer;
  // Read while ids were used again, containers could be in each other.
  for (std::size_t depth = 0; title.empty() && outer != 0 && depth < containers.size(); ++depth) {
    const auto found = std::find_if(containers.begin(), containers.end(),
                                    [outer](const Container& one) { return one.first.pid == outer; });
    if (found == containers.end()) return {};
    title = title_of(found->identity);
    outer = found->outer;
    around += "in ";
  }
  return title.empty() ? title : around + title;
}

}  // namespace runi
