#include "runictl/engines/engines.h"

#include "runictl/engines/docker.h"
#include "runictl/engines/podman.h"

#include <algorithm>

namespace runi {
namespace {

class Engines {
 public:
  Engines(const EngineFiles& files, const Programs& programs, const CrioFacts& crio)
      : files_(files), programs_(programs), crio_(crio) {}

  std::vector<Finding> judge() {
    for (const UnreadFile& file : files_.unread) {
      findings_.push_back(
          {Severity::note, file.engine, file.why, file.path, "run this as root, or correct the file"});
    }
    for (const ContainerdFiles& containerd : files_.containerds) {
      take(judge_containerd(containerd.files, containerd.merging, programs_));
    }
    for (const ConfigFile& file : files_.containerd_left_out) judge_left_out(file);
    take(judge_crio(files_.crio, programs_, crio_));
    take(judge_podman(files_.podman, programs_));
    for (const ConfigFile& file : files_.docker) take(judge_docker(file, programs_));
    if (!named_) {
      findings_.push_back({Severity::note, "engines",
                           "no configuration of containerd, CRI-O, podman or Docker calls runi", "",
                           "the files in runi's deploy/ show how"});
    }
    return std::move(findings_);
  }

 private:
  void take(Judgement judgement) {
    for (Finding& finding : judgement.findings) findings_.push_back(std::move(finding));
    named_ = named_ || judgement.names_runi;
  }

  // A drop-in of containerd that no main file imports.
  void judge_left_out(const ConfigFile& file) {
    Judgement judgement = judge_containerd({&file, 1}, Merging::merges_first, programs_);
    if (judgement.findings.empty()) return;
    const std::string main(kContainerdMain);
    const bool has_main =
        std::any_of(files_.containerds.begin(), files_.containerds.end(),
                    [&main](const ContainerdFiles& containerd) { return containerd.files[0].path == main; });
    if (has_main) {
      findings_.push_back({Severity::problem, "containerd", "names runi, but " + main + " does not import it",
                           file.path, "add imports = [" + quoted(kContainerdDropIns) + "] to " + main});
      return;
    }
    findings_.push_back({Severity::note, "containerd",
                         "read without an " + main + " by containerd 2.2 and later only", file.path,
                         "before 2.2: make that file, and import this one there"});
    take(std::move(judgement));
  }

  const EngineFiles& files_;
  const Programs& programs_;
  const CrioFacts& crio_;
  std::vector<Finding> findings_;
  bool named_ = false;  // whether a configuration names runi, even a wrong one
};

}  // namespace

std::vector<std::string> programs_named(const EngineFiles& files) {
  std::vector<std::string> programs;
  const auto add = [&programs](const std::vector<std::string>& named) {
    for (const std::string& program : named) {
      if (std::find(programs.begin(), programs.end(), program) == programs.end()) programs.push_back(program);
    }
  };
  for (const ContainerdFiles& containerd : files.containerds) add(programs_of_containerd(containerd.files));
  add(programs_of_containerd(files.containerd_left_out));
  add(programs_of_crio(files.crio));
  add(programs_of_podman(files.podman));
  for (const ConfigFile& file : files.docker) add(programs_of_docker(file));
  return programs;
}

std::vector<Finding> judge_engines(const EngineFiles& files, const Programs& programs,
                                   const CrioFacts& crio) {
  return Engines(files, programs, crio).judge();
}

}  // namespace runi
