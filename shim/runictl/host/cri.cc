#include "runictl/host/cri.h"

#include "core/json.h"
#include "runictl/host/http2.h"

namespace runi {
namespace {

// Kubernetes had only the first of these until 1.22 or so, and containerd both until 1.7.
constexpr std::string_view kPackages[] = {"runtime.v1", "runtime.v1alpha2"};
constexpr int kMsInS = 1000;

// "Service/Method" in a package.
std::string path_of(std::string_view package, std::string_view method) {
  return "/" + std::string(package) + "." + std::string(method);
}

std::string_view name_of(std::string_view method) {
  return method.substr(method.find('/') + 1);
}

}  // namespace

Result<Cri> Cri::connect(const std::string& socket, int timeout_s) {
  std::string why;
  for (const std::string_view package : kPackages) {
    const auto answer = call_grpc(socket, path_of(package, "RuntimeService/Version"), "", timeout_s * kMsInS);
    if (!answer) return answer.error();
    if (answer->status == 0) return Cri(socket, std::string(package), timeout_s);
    why = answer->why;
    if (answer->status != kGrpcUnimplemented) break;
  }
  return Error{socket + ": Version: " + why + ": is its CRI disabled?"};
}

Result<std::string> Cri::call(std::string_view method, const std::string& request, int timeout_s) const {
  const int timeout_ms = (timeout_s > 0 ? timeout_s : timeout_s_) * kMsInS;
  auto answer = call_grpc(socket_, path_of(package_, method), request, timeout_ms);
  if (!answer) return answer.error();
  if (answer->status == 0) return std::move(answer->message);
  return Error{socket_ + ": " + std::string(name_of(method)) + ": " + answer->why};
}

template <typename Read>
auto Cri::ask(std::string_view method, const std::string& request, Read read) const
    -> decltype(read(std::string_view())) {
  const auto answer = call(method, request);
  if (!answer) return answer.error();
  auto facts = read(*answer);
  if (!facts) return with_context(socket_ + ": " + std::string(name_of(method)), facts.error());
  return facts;
}

Result<std::string> Cri::version() const {
  auto version = ask("RuntimeService/Version", "", cri::read_version);
  if (!version) return version;
  constexpr std::size_t kMaxVersion = 200;
  return json::printable(*version, kMaxVersion);
}

Result<CriStatus> Cri::status() const {
  return ask("RuntimeService/Status", cri::status_request(), cri::read_status);
}

Result<std::vector<CriSandbox>> Cri::sandboxes() const {
  return ask("RuntimeService/ListPodSandbox", "", cri::read_sandboxes);
}

Result<std::vector<CriImage>> Cri::images() const {
  return ask("ImageService/ListImages", "", cri::read_images);
}

Result<std::optional<CriImage>> Cri::find_image(const std::string& name) const {
  return ask("ImageService/ImageStatus", cri::image_request(name), cri::read_image);
}

Result<std::string> Cri::run_sandbox(const CriPod& pod, int timeout_s) const {
  const auto answer = call("RuntimeService/RunPodSandbox", cri::run_sandbox_request(pod), timeout_s);
  return answer ? cri::read_id(*answer) : answer;
}

Result<std::string> Cri::run_container(const CriPod& pod, const std::string& sandbox,
                                       const CriCommand& command) const {
  auto id = ask("RuntimeService/CreateContainer", cri::create_request(pod, sandbox, command), cri::read_id);
  if (!id) return id;
  const auto started = call("RuntimeService/StartContainer", cri::id_request(*id));
  return started ? id : started.error();
}

Result<CriContainer> Cri::container(const std::string& id) const {
  return ask("RuntimeService/ContainerStatus", cri::id_request(id), cri::read_container);
}

Result<void> Cri::remove_sandbox(const std::string& id) const {
  for (const std::string_view method : {"RuntimeService/StopPodSandbox", "RuntimeService/RemovePodSandbox"}) {
    const auto answer =
        call_grpc(socket_, path_of(package_, method), cri::id_request(id), timeout_s_ * kMsInS);
    if (!answer) return answer.error();
    if (answer->status != 0 && answer->status != kGrpcNotFound) {
      return Error{socket_ + ": " + std::string(name_of(method)) + ": " + answer->why};
    }
  }
  return {};
}

}  // namespace runi
