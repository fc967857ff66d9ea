#include "runictl/host/proof.h"

#include "runictl/host/cri.h"
#include "runictl/host/proof_words.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

namespace runi {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kNamespace = "runi-proof";
constexpr std::string_view kPlace = "/runictl";  // of the program, in the container

constexpr int kCallTimeoutS = 20;
constexpr int kSandboxTimeoutS = 60;  // its image may have to be pulled
constexpr std::chrono::seconds kPatience(20);
constexpr std::chrono::milliseconds kInterval(20);

// A kubelet ends pods that it does not know of, within seconds (pkg/kubelet, HandlePodCleanups). One that was
// ended before its container had run is no proof of anything.
constexpr int kAttempts = 5;
constexpr int kKilled = 128 + SIGKILL;

// An error, and whether it may be the kubelet's doing.
struct Trial {
  Result<Proof> result;
  bool was_disturbed = false;
};

// An engine refuses to remove a container that it is still starting, for whom it may be.
Result<void> remove(const Cri& cri, const std::string& sandbox) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    auto removed = cri.remove_sandbox(sandbox);
    if (removed || Clock::now() > deadline) return removed;
    std::this_thread::sleep_for(kInterval);
  }
}

Result<void> remove_proofs(const Cri& cri) {
  const auto sandboxes = cri.sandboxes();
  if (!sandboxes) return sandboxes.error();
  for (const CriSandbox& sandbox : *sandboxes) {
    if (sandbox.name_space != kNamespace) continue;
    if (auto removed = remove(cri, sandbox.id); !removed) return removed;
  }
  return {};
}

// The engine's own image for sandboxes, else the smallest. Empty where there is no image at all.
Result<std::optional<CriImage>> choose_image(const Cri& cri, const CriStatus& status) {
  if (!status.sandbox_image.empty()) {
    auto own = cri.find_image(status.sandbox_image);
    if (own && own->has_value()) return own;
  }
  const auto images = cri.images();
  if (!images) return images.error();
  if (images->empty()) return std::optional<CriImage>();
  const auto smallest =
      std::min_element(images->begin(), images->end(), [](const CriImage& one, const CriImage& other) {
        return one.is_pinned == other.is_pinned ? one.size < other.size : one.is_pinned;
      });
  return std::optional(*smallest);
}

CriPod pod_of(const ProofWanted& wanted, const CriStatus& status, int attempt) {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  CriPod pod;
  pod.name = "proof";
  pod.name_space = kNamespace;
  pod.uid = std::to_string(now) + "-" + std::to_string(getpid()) + "-" + std::to_string(attempt);
  pod.handler = wanted.handler;
  // Where systemd makes the cgroups, containerd's default is no name that it takes (getCgroupsPath).
  const auto& systemd = status.handlers_with_systemd;
  if (std::find(systemd.begin(), systemd.end(), wanted.handler) != systemd.end()) {
    pod.cgroup_parent = "/system.slice";
  }
  return pod;
}

Result<CriContainer> wait_for_end(const Cri& cri, const std::string& id) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    auto container = cri.container(id);
    if (!container || container->has_ended) return container;
    if (Clock::now() > deadline) return Error{"the container has not ended within 20 s"};
    std::this_thread::sleep_for(kInterval);
  }
}

bool is_ready(const Cri& cri, const std::string& sandbox) {
  const auto sandboxes = cri.sandboxes();
  if (!sandboxes) return true;  // there is another error to be told of
  return std::any_of(sandboxes->begin(), sandboxes->end(),
                     [&](const CriSandbox& each) { return each.id == sandbox && each.is_ready; });
}

// How the container ended.
Result<CriContainer> run_in(const Cri& cri, const CriPod& pod, const std::string& sandbox,
                            const CriImage& image, const std::string& program) {
  CriCommand command{image.id, {std::string(kPlace), "in-container"}, program, std::string(kPlace), {}};
  if (!image.names.empty()) command.image_name = image.names.front();
  const auto id = cri.run_container(pod, sandbox, command);
  return id ? wait_for_end(cri, *id) : id.error();
}

Trial try_once(const Cri& cri, const ProofWanted& wanted, const CriStatus& status, int attempt) {
  const CriPod pod = pod_of(wanted, status, attempt);
  const auto sandbox = cri.run_sandbox(pod, kSandboxTimeoutS);
  // Not before: the engine may have had to pull one for the sandbox.
  const auto image = choose_image(cri, status);
  if (!image) return {image.error()};
  if (!image->has_value()) {
    const std::string why = sandbox ? "" : ": " + sandbox.error().what;
    return {Proof{"not tried with a container: no image on this machine to make a pod of" + why}};
  }
  if (!sandbox) return {sandbox.error()};
  const auto ended = run_in(cri, pod, *sandbox, **image, wanted.program);
  if (!ended) return {ended.error(), !is_ready(cri, *sandbox)};
  const auto done = judge_proof(ended->exit_code, ended->message.empty() ? "" : ": " + ended->message);
  return done ? Trial{Proof{}} : Trial{done.error(), ended->exit_code == kKilled};
}

}  // namespace

Result<void> judge_proof(int exit_code, const std::string& more) {
  if (exit_code == 0) return {};
  if (exit_code == kIsPid1) return Error{"a container runs without runi-init: the program is PID 1 itself"};
  if (exit_code == kOtherInit) return Error{"a container has another PID 1 than runi-init"};
  return Error{"the program in the proof's container exited with " + std::to_string(exit_code) + more};
}

Result<Proof> prove_by_cri(const ProofWanted& wanted) {
  const auto of_handler = [&](const Error& error) {
    return with_context("handler " + wanted.handler, error);
  };
  const auto cri = Cri::connect(wanted.socket, kCallTimeoutS);
  if (!cri) return cri.error();
  const auto status = cri->status();
  if (!status) return status.error();
  if (auto removed = remove_proofs(*cri); !removed) {
    return with_context("an earlier proof's pod", removed.error());
  }
  for (int attempt = 1;; ++attempt) {
    auto trial = try_once(*cri, wanted, *status, attempt);
    auto removed = remove_proofs(*cri);
    if (!trial.result && trial.was_disturbed && attempt < kAttempts) continue;
    if (!trial.result) return of_handler(trial.result.error());
    if (!removed) return of_handler(with_context("its proof's pod", removed.error()));
    return trial.result;
  }
}

}  // namespace runi
