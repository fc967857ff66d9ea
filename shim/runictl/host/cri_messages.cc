#include "runictl/host/cri_messages.h"

#include "core/json.h"
#include "runictl/host/proto.h"

#include <algorithm>

namespace runi::cri {
namespace {

using proto::Message;
using proto::Writer;

// NamespaceMode.
constexpr std::uint64_t kOfContainer = 1;
constexpr std::uint64_t kOfNode = 2;

constexpr std::uint64_t kContainerExited = 2;  // ContainerState

constexpr std::string_view kRuntimeReady = "RuntimeReady";

// The default handler has no name; engines that list handlers list it, too.
constexpr std::string_view kDefaultHandler;

// NamespaceOption. A PID namespace for each container, as a kubelet asks for.
Writer namespaces() {
  return Writer().number(1, kOfNode).number(2, kOfContainer);
}

// PodSandboxConfig.
Writer sandbox_config(const CriPod& pod) {
  const Writer metadata = Writer().text(1, pod.name).text(2, pod.uid).text(3, pod.name_space);
  const Writer security = Writer().message(1, namespaces());
  const Writer linux_part = Writer().text(1, pod.cgroup_parent).message(2, security);
  return Writer().message(1, metadata).message(8, linux_part);
}

const json::Value* find_member(const json::Value* object, std::string_view name) {
  if (object == nullptr || object->kind != json::Kind::object) return nullptr;
  for (const json::Value& member : object->children()) {
    if (member.key == name) return &member;
  }
  return nullptr;
}

// What engines say of their configuration: containerd, internal/cri/server/status.go; CRI-O,
// server/runtime_status.go. Nothing that cannot be read is an error, because it is not part of the interface.
void read_configuration(std::string_view text, CriStatus& status) {
  const auto document = json::Document::parse(text, json::Comments::refused);
  if (!document) return;
  const json::Value* root = &document->root();
  const json::Value* image = find_member(root, "sandboxImage");
  if (image != nullptr && image->kind == json::Kind::string) status.sandbox_image = image->text;
  const json::Value* runtimes = find_member(find_member(root, "containerd"), "runtimes");
  if (runtimes == nullptr || runtimes->kind != json::Kind::object) return;
  const bool are_listed = status.handlers.has_value();
  if (!are_listed) status.handlers.emplace();
  for (const json::Value& runtime : runtimes->children()) {
    if (!are_listed) status.handlers->emplace_back(runtime.key);
    const json::Value* systemd = find_member(find_member(&runtime, "options"), "SystemdCgroup");
    if (systemd != nullptr && systemd->text == "true") status.handlers_with_systemd.emplace_back(runtime.key);
  }
}

Result<void> read_conditions(const Message& answer, CriStatus& status) {
  const auto runtime = answer.message(1);
  if (!runtime) return runtime.error();
  status.why = "it does not say that it is ready";
  for (const std::string_view bytes : runtime->all(1)) {
    const auto condition = Message::parse(bytes);
    if (!condition) return condition.error();
    if (condition->text(1) != kRuntimeReady) continue;
    status.is_ready = condition->number(2) != 0;
    status.why =
        status.is_ready ? "" : std::string(condition->text(3)) + ": " + std::string(condition->text(4));
  }
  return {};
}

CriImage image_of(const Message& message) {
  CriImage image{std::string(message.text(1)), {}, message.number(4), message.number(8) != 0};
  for (const std::string_view name : message.all(2)) image.names.emplace_back(name);
  return image;
}

}  // namespace

std::string status_request() {
  return Writer().number(1, 1).bytes();  // verbose
}

std::string run_sandbox_request(const CriPod& pod) {
  return Writer().message(1, sandbox_config(pod)).text(2, pod.handler).bytes();
}

std::string create_request(const CriPod& pod, const std::string& sandbox, const CriCommand& command) {
  const std::string& name = command.image_name.empty() ? command.image : command.image_name;
  Writer config = Writer()
                      .message(1, Writer().text(1, pod.name))
                      .message(2, Writer().text(1, command.image).text(18, name));
  for (const std::string& word : command.words) config.text(3, word);
  config.text(5, "/");
  config.message(7, Writer().text(1, command.place).text(2, command.program).number(3, 1));  // read-only
  const Writer security = Writer().message(3, namespaces());
  config.message(15, Writer().message(2, security));
  return Writer().text(1, sandbox).message(2, config).message(3, sandbox_config(pod)).bytes();
}

std::string image_request(const std::string& image) {
  return Writer().message(1, Writer().text(1, image)).bytes();
}

std::string id_request(const std::string& id) {
  return Writer().text(1, id).bytes();
}

Result<std::string> read_version(std::string_view bytes) {
  const auto answer = Message::parse(bytes);
  if (!answer) return answer.error();
  return std::string(answer->text(2)) + " " + std::string(answer->text(3));
}

Result<CriStatus> read_status(std::string_view bytes) {
  const auto answer = Message::parse(bytes);
  if (!answer) return answer.error();
  CriStatus status;
  if (auto read = read_conditions(*answer, status); !read) return read.error();
  for (const std::string_view handler : answer->all(3)) {
    const auto message = Message::parse(handler);
    if (!message) return message.error();
    if (!status.handlers) status.handlers.emplace();
    if (message->text(1) != kDefaultHandler) status.handlers->emplace_back(message->text(1));
  }
  for (const std::string_view entry : answer->all(2)) {
    const auto info = Message::parse(entry);
    if (!info) return info.error();
    if (info->text(1) == "config") read_configuration(info->text(2), status);
  }
  return status;
}

Result<std::vector<CriSandbox>> read_sandboxes(std::string_view bytes) {
  const auto answer = Message::parse(bytes);
  if (!answer) return answer.error();
  std::vector<CriSandbox> sandboxes;
  for (const std::string_view item : answer->all(1)) {
    const auto sandbox = Message::parse(item);
    const auto metadata = sandbox ? sandbox->message(2) : sandbox;
    if (!metadata) return metadata.error();
    sandboxes.push_back({std::string(sandbox->text(1)), std::string(metadata->text(1)),
                         std::string(metadata->text(3)), std::string(sandbox->text(7)),
                         sandbox->number(3) == 0});
  }
  return sandboxes;
}

Result<std::vector<CriImage>> read_images(std::string_view bytes) {
  const auto answer = Message::parse(bytes);
  if (!answer) return answer.error();
  std::vector<CriImage> images;
  for (const std::string_view item : answer->all(1)) {
    const auto image = Message::parse(item);
    if (!image) return image.error();
    images.push_back(image_of(*image));
  }
  return images;
}

Result<std::optional<CriImage>> read_image(std::string_view bytes) {
  const auto answer = Message::parse(bytes);
  const auto image = answer ? answer->message(1) : answer;
  if (!image) return image.error();
  if (image->text(1).empty()) return std::optional<CriImage>();
  return std::optional<CriImage>(image_of(*image));
}

Result<CriContainer> read_container(std::string_view bytes) {
  const auto answer = Message::parse(bytes);
  const auto status = answer ? answer->message(1) : answer;
  if (!status) return status.error();
  return CriContainer{status->number(3) == kContainerExited, static_cast<int>(status->number(7)),
                      std::string(status->text(10)), std::string(status->text(11))};
}

Result<std::string> read_id(std::string_view bytes) {
  const auto answer = Message::parse(bytes);
  if (!answer) return answer.error();
  return std::string(answer->text(1));
}

}  // namespace runi::cri
