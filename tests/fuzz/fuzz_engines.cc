// The judgement of engines' configurations: whatever the bytes, findings that say what and, unless all is
// right, what to do. The first byte of the input chooses what the programs that they name are.
#include "engines.h"

#include <cstdint>
#include <cstdlib>

namespace {

void judge(const runi::Judgement& judgement) {
  for (const runi::Finding& finding : judgement.findings) {
    if (finding.subject.empty() || finding.what.empty()) std::abort();
    if (finding.severity > runi::Severity::note && finding.action.empty()) std::abort();
    if (finding.severity > runi::Severity::note && finding.where.empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto program = static_cast<runi::Program>(size == 0 ? 0 : data[0] % 3);
  const runi::LookUp look_up = [program](const std::string&) { return program; };
  // Two files where there is a form feed, which neither TOML nor JSON can hold.
  const auto cut = input.find('\f');
  std::vector<runi::ConfigFile> files = {{"/etc/1", std::string(input.substr(0, cut))}};
  if (cut != std::string_view::npos) files.push_back({"/etc/2", std::string(input.substr(cut + 1))});
  for (const runi::ConfigFile& file : files) {
    (void)runi::containerd_imports(file);
    judge(runi::judge_docker(file, look_up));
  }
  judge(runi::judge_containerd(files, runi::Imports::replace, look_up));
  judge(runi::judge_containerd(files, runi::Imports::merge, look_up));
  judge(runi::judge_crio(files, look_up));
  judge(runi::judge_podman(files, look_up));
  return 0;
}
