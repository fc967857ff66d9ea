#include "core/annotations.h"

#include "core/engine_keys.h"
#include "core/json.h"

#include <algorithm>
#include <iterator>

namespace runi {
namespace {

using std::string_view;

constexpr string_view kDomain = "runi.dev/";
constexpr string_view kOfContainer = ".runi.dev/";
constexpr string_view kPodsInit = "runi.dev/init";

// podman notes no such name.
constexpr string_view kNameMarks[] = {kContainerdContainerName, kKubeletContainerName};

// Calls take(part) for each part between commas until one is refused; an empty list has none.
template <typename Take>
bool take_list(string_view list, Take take) {
  if (list.empty()) return true;
  for (;;) {
    const auto comma = list.find(',');
    if (!take(list.substr(0, comma))) return false;
    if (comma == string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

bool take_init(string_view value, Wishes& wishes) {
  if (value != "true" && value != "false") return false;
  wishes.init = value == "true";
  return true;
}

bool take_forward(string_view value, Wishes& wishes) {
  if (value != "child" && value != "group") return false;
  wishes.tuning.forward = value == "group" ? Forward::group : Forward::child;
  return true;
}

bool take_signals(string_view value, Wishes& wishes) {
  std::vector<std::string> signals;
  if (!take_list(value, [&signals](string_view part) { return add_rewriting(part, signals); })) return false;
  wishes.tuning.signals = std::move(signals);
  return true;
}

bool take_expect_exit(string_view value, Wishes& wishes) {
  std::vector<int> exits;
  if (!take_list(value, [&exits](string_view part) { return add_exit(part, exits); })) return false;
  wishes.tuning.expected_exits = std::move(exits);
  return true;
}

bool take_grace(string_view value, Wishes& wishes) {
  return read_grace(value, wishes.tuning.grace_s);
}

bool take_stop_signals(string_view value, Wishes& wishes) {
  if (value == kEverySignal) {
    wishes.tuning.stop_signals.reset();
    return true;
  }
  std::vector<std::string> signals;
  if (!take_list(value, [&signals](string_view part) { return add_stop_signal(part, signals); })) {
    return false;
  }
  wishes.tuning.stop_signals = std::move(signals);
  return true;
}

// In the order of kAnnotationKeys.
constexpr struct {
  string_view key;
  bool (*take)(string_view value, Wishes& wishes);
  string_view before;  // what is expected: this and the form
  string_view form;
} kKeys[] = {
    {"init", take_init, R"("true" or "false")", ""},
    {"forward", take_forward, R"("child" or "group")", ""},
    {"signals", take_signals, "a comma-separated list, each item ", kRewritingForm},
    {"expect-exit", take_expect_exit, "a comma-separated list, each item ", kExitForm},
    {"grace", take_grace, "", kGraceForm},
    {"stop-signals", take_stop_signals, "\"all\" or a comma-separated list, each item ", kStopForm},
};
static_assert(std::equal(std::begin(kKeys), std::end(kKeys), std::begin(kAnnotationKeys),
                         std::end(kAnnotationKeys),
                         [](const auto& row, string_view key) { return row.key == key; }));

// Lets the annotation change the wishes. Returns why it is ignored; empty where it is not.
std::string apply(string_view key, string_view value, const Config& config, Wishes& wishes) {
  const auto row =
      std::find_if(std::begin(kKeys), std::end(kKeys), [key](const auto& known) { return known.key == key; });
  if (row == std::end(kKeys)) {
    std::string what = "unknown key; expected one of ";
    for (const string_view known : kAnnotationKeys) {
      if (known != kAnnotationKeys[0]) what += ", ";
      what += known;
    }
    return what;
  }
  const auto& allowed = config.annotations;
  if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
    return "the configuration does not let pods set it";
  }
  if (row->take(value, wishes)) return "";
  return "expected " + std::string(row->before) + std::string(row->form) + ", found " + json::cite(value);
}

}  // namespace

bool is_of_runi(string_view key) {
  return key.starts_with(kDomain) || key.find(kOfContainer) != string_view::npos;
}

string_view container_name(const Spec& spec) {
  for (const string_view mark : kNameMarks) {
    if (const auto name = spec.annotation(mark)) return *name;
  }
  return {};
}

Wishes read_wishes(const Spec& spec, const Config& config) {
  Wishes wishes{std::nullopt, "", config.tuning, {}};
  std::size_t untold = 0;
  const auto heed = [&](const Annotation& annotation, string_view key) {
    std::string why = apply(key, annotation.value, config, wishes);
    if (why.empty()) {
      if (key == "init") {
        wishes.init_from = annotation.key == kPodsInit ? std::string(kPodsInit) : json::cite(annotation.key);
      }
      return;
    }
    if (wishes.complaints.size() + 1 < kMostComplaints) {
      wishes.complaints.push_back("annotation " + json::cite(annotation.key) + ": " + why);
    } else {
      ++untold;
    }
  };
  for (const Annotation& annotation : spec.annotations) {
    if (!annotation.key.starts_with(kDomain) || annotation.key == kInjectedAnnotation) continue;
    heed(annotation, annotation.key.substr(kDomain.size()));
  }
  if (const string_view name = container_name(spec); !name.empty()) {
    for (const Annotation& annotation : spec.annotations) {
      if (!annotation.key.starts_with(name)) continue;
      const string_view rest = annotation.key.substr(name.size());
      if (rest.starts_with(kOfContainer)) heed(annotation, rest.substr(kOfContainer.size()));
    }
  }
  if (untold != 0) {
    wishes.complaints.push_back(std::to_string(untold) + " more annotations of runi.dev are ignored");
  }
  return wishes;
}

}  // namespace runi
