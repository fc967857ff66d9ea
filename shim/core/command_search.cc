#include "core/command_search.h"

namespace runi {
namespace {

using std::string_view;

// A PATH has some six elements, and each may cost system calls.
constexpr std::size_t kMostElements = 64;
constexpr std::size_t kLongestPath = 4'096;      // PATH_MAX
constexpr std::size_t kLongestSearch = 131'072;  // MAX_ARG_STRLEN, execve(2)

std::string below(string_view directory, string_view name) {
  std::string path(directory);
  path += '/';
  path += name;
  return path;
}

}  // namespace

std::optional<std::vector<Candidate>> command_candidates(const Spec& spec) {
  std::vector<Candidate> candidates;
  if (spec.args.empty() || spec.args[0].empty()) return candidates;
  const string_view name = spec.args[0];
  string_view path = spec.search_path.value_or(string_view());
  if (name.size() > kLongestPath || spec.cwd.size() > kLongestPath || path.size() > kLongestSearch) {
    return std::nullopt;
  }
  if (name.starts_with('/')) {
    candidates.push_back({std::string(name)});
    return candidates;
  }
  if (name.find('/') != string_view::npos) {
    candidates.push_back({below(spec.cwd, name)});
    return candidates;
  }
  if (path.empty()) return candidates;
  for (std::size_t element = 0; element < kMostElements; ++element) {
    const auto colon = path.find(':');
    const string_view directory = path.substr(0, colon);
    if (directory.starts_with('/')) {
      candidates.push_back({below(directory, name)});
    } else {
      candidates.push_back({below(below(spec.cwd, directory), name), true});
      // Some versions of crun take an empty element for the root directory.
      if (directory.empty()) candidates.push_back({below("", name), true});
    }
    if (colon == string_view::npos) return candidates;
    path.remove_prefix(colon + 1);
  }
  return std::nullopt;
}

}  // namespace runi
