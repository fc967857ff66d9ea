// What the requests and answers of the CRI say (kubernetes/cri-api, pkg/apis/runtime/v1/api.proto; v1alpha2
// has the same numbers): bytes to facts and back.
#pragma once

#include "core/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

struct CriSandbox {
  std::string id;
  std::string name;
  std::string name_space;
  std::string handler;
  bool is_ready = false;
};

struct CriStatus {
  bool is_ready = false;                             // for pods in the node's network
  std::string why;                                   // it is not
  std::optional<std::vector<std::string>> handlers;  // where this engine lists them

  // From what engines add for people; empty where they do not.
  std::string sandbox_image;
  std::vector<std::string> handlers_with_systemd;  // that have systemd make their cgroups
};

struct CriImage {
  std::string id;
  std::vector<std::string> names;
  std::uint64_t size = 0;
  bool is_pinned = false;  // as the engine's own image for sandboxes is
};

struct CriContainer {
  bool has_ended = false;
  int exit_code = 0;
  std::string reason;
  std::string message;
};

// A pod in the node's network with one container.
struct CriPod {
  std::string name;
  std::string name_space;
  std::string uid;
  std::string handler;
  std::string cgroup_parent;  // empty: the engine's default
};
struct CriCommand {
  std::string image;  // its id
  std::vector<std::string> words;
  std::string program;  // a file of the host
  std::string place;    // where the container has it, read-only
  // A name of the image, which CRI-O asks for from 1.37 on: no id will do. Empty: it has none.
  std::string image_name = {};
};

namespace cri {

std::string status_request();
std::string run_sandbox_request(const CriPod& pod);
std::string create_request(const CriPod& pod, const std::string& sandbox, const CriCommand& command);
std::string image_request(const std::string& image);
// A request whose first field is an id, and nothing else.
std::string id_request(const std::string& id);

// Errors: the bytes are no such message.
Result<std::string> read_version(std::string_view bytes);
Result<CriStatus> read_status(std::string_view bytes);
Result<std::vector<CriSandbox>> read_sandboxes(std::string_view bytes);
Result<std::vector<CriImage>> read_images(std::string_view bytes);
Result<std::optional<CriImage>> read_image(std::string_view bytes);
Result<CriContainer> read_container(std::string_view bytes);
// The first field, an id.
Result<std::string> read_id(std::string_view bytes);

}  // namespace cri
}  // namespace runi
