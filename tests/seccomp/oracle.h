// What a seccomp profile really answers: filters built from it with libseccomp as runc and crun do, and an
// interpreter that runs them as the kernel does.
#pragma once

#include <linux/filter.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class Runtime { runc, crun };

// A scmp_filter_ctx as the kernel takes it; empty where that cannot be.
std::vector<sock_filter> export_program(void* filter);

class Filter {
 public:
  // linux.seccomp of a config.json. Nothing where the runtime would not start the container.
  static std::optional<Filter> build(const nlohmann::json& profile, Runtime runtime);

  // What the kernel would do with the call (seccomp(2), "SECCOMP_RET_..."), with the data of errno and trace.
  [[nodiscard]] std::uint32_t answer(int number, const std::array<std::uint64_t, 6>& arguments) const;

 private:
  std::vector<sock_filter> program_;
  // Calls above this number are ENOSYS: runc's libcontainer/seccomp/patchbpf, for those that the author of
  // the profile cannot have known.
  std::optional<int> last_known_;
};

// The text between them is one value of linux.seccomp.
inline constexpr std::string_view kBeforeProfile =
    R"({"process":{"args":["app"]},"mounts":[{"destination":"/dev","type":"tmpfs"}],)"
    R"("linux":{"namespaces":[{"type":"pid"}],"seccomp":)";
inline constexpr std::string_view kBehindProfile = "}}";

// Compares the answers to all of the init's calls, under both runtimes, with those that core/seccomp_profile
// expects. Returns what is wrong, or "".
std::string find_seccomp_fault(const std::string& profile);

// A profile made of these bytes, about the calls of the init and a few others.
std::string make_profile(const std::uint8_t* bytes, std::size_t size);

}  // namespace runi
