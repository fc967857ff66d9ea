#include "runictl/engines/rendered.h"

#include "core/path.h"
#include "runictl/engines/toml.h"

#include <string>
#include <string_view>

namespace runi {
namespace {

// Source: k0s, pkg/component/worker/containerd, isK0sManagedConfig.
constexpr std::string_view kManaged = "# k0s_managed=true\n";

// Source: k3s, pkg/agent/containerd, templateGenerations; MicroK8s, run-containerd-with-args.
std::string template_of(const std::string& main, std::int64_t version) {
  const std::string_view k3s = version < 3 ? "config.toml.tmpl" : "config-v3.toml.tmpl";
  return joined(directory_of(main), base_name(main) == "config.toml" ? k3s : "containerd-template.toml");
}

std::string imports_of(const std::string& folder) {
  return "add imports = [" + toml_string(folder + "/*.toml") + "] ";
}

}  // namespace

bool reads_drop_ins(const ContainerdSetup& setup) {
  return !setup.drop_ins.empty() && (!setup.main_exists || setup.main.text.starts_with(kManaged));
}

Refusal refuse_rendered(const ContainerdSetup& setup, std::int64_t version) {
  const std::string& main = setup.main.path;
  const bool has_drop_ins = !setup.drop_ins.empty();
  if (has_drop_ins && !reads_drop_ins(setup)) {
    return Refusal{main, "this file does not begin with # k0s_managed=true, and it imports no folder",
                   imports_of(setup.drop_ins) + "to it, and restart k0s"};
  }
  const std::string cause = "this file is written anew at each start, and ";
  if (setup.merging == Merging::replaces) {
    return Refusal{main, cause + "containerd 1.x would take the whole CRI section from a file beside it",
                   has_drop_ins ? "add the handler by hand, in a file in " + setup.drop_ins +
                                      ", or move to a release of the distribution with containerd 2"
                                : "add the handler to " + template_of(main, version) +
                                      ", or move to a release of the distribution with containerd 2"};
  }
  const std::string folder = version < 3 ? "config.toml.d" : "config-v3.toml.d";
  return Refusal{main, cause + "it imports no folder",
                 imports_of(joined(directory_of(main), folder)) + "at the beginning of " +
                     template_of(main, version) + ", and restart the distribution"};
}

}  // namespace runi
