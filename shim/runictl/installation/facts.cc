#include "runictl/installation/facts.h"

#include "core/version.h"

#include <algorithm>

namespace runi {
namespace {

constexpr std::string_view kElf = "\177ELF";
constexpr std::size_t kMaxVersion = 32;

}  // namespace

std::optional<std::string> version_of_runi(std::string_view bytes) {
  const bool is_runi = bytes.starts_with(kElf) && bytes.find(kInjectedAnnotation) != std::string_view::npos;
  if (!is_runi) return std::nullopt;
  const auto at = bytes.find(kVersionMark);
  if (at == std::string_view::npos) return std::string();
  bytes.remove_prefix(at + kVersionMark.size());
  return std::string(bytes.substr(0, std::min(bytes.find('\0'), kMaxVersion)));
}

}  // namespace runi
