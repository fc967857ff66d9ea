// An engine's CRI, over the socket that a kubelet uses: version v1 of it, else v1alpha2.
#pragma once

#include "core/result.h"
#include "runictl/host/cri_messages.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runi {

// Errors of all functions: "SOCKET: CALL: why", with what the engine said; no answer in time.
class Cri {
 public:
  // Each call has `timeout_s` to be answered, if it does not say otherwise.
  // Errors: nobody listens, or what listens has no CRI.
  static Result<Cri> connect(const std::string& socket, int timeout_s);

  [[nodiscard]] Result<std::string> version() const;  // "containerd 1.6.20"
  [[nodiscard]] Result<CriStatus> status() const;
  [[nodiscard]] Result<std::vector<CriSandbox>> sandboxes() const;  // all, ready or not
  [[nodiscard]] Result<std::vector<CriImage>> images() const;

  // An image that is there; empty where it is not.
  [[nodiscard]] Result<std::optional<CriImage>> find_image(const std::string& name) const;

  // Runs a pod without containers, for which the engine may have to pull an image. Returns its id.
  [[nodiscard]] Result<std::string> run_sandbox(const CriPod& pod, int timeout_s) const;

  // Makes and starts a container in the pod. Returns its id.
  [[nodiscard]] Result<std::string> run_container(const CriPod& pod, const std::string& sandbox,
                                                  const CriCommand& command) const;

  [[nodiscard]] Result<CriContainer> container(const std::string& id) const;

  // Stops a pod and its containers at once and removes them. One that is gone is no error.
  [[nodiscard]] Result<void> remove_sandbox(const std::string& id) const;

 private:
  Cri(std::string socket, std::string package, int timeout_s)
      : socket_(std::move(socket)), package_(std::move(package)), timeout_s_(timeout_s) {}

  [[nodiscard]] Result<std::string> call(std::string_view method, const std::string& request,
                                         int timeout_s = 0) const;
  template <typename Read>
  [[nodiscard]] auto ask(std::string_view method, const std::string& request, Read read) const
      -> decltype(read(std::string_view()));

  std::string socket_;
  std::string package_;
  int timeout_s_;
};

}  // namespace runi
