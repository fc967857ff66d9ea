#include "oracle.h"

#include "core/seccomp_profile.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

namespace runi {
namespace {

using Json = nlohmann::json;
using Arguments = std::array<std::uint64_t, 6>;

// The array of that name, or an empty one; value() would copy it.
const Json& elements(const Json& object, const char* name) {
  static const Json none = Json::array();
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

// --- as the runtimes read a profile ------------------------------------------------------------------------

std::optional<std::uint32_t> action_of(const Json& object, const char* member, const char* errno_member) {
  const std::string name = object.value(member, "");
  const auto data = static_cast<std::uint16_t>(object.value(errno_member, std::uint64_t{EPERM}));
  if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(data);
  if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(data);
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  if (name == "SCMP_ACT_NOTIFY") return SCMP_ACT_NOTIFY;
  return std::nullopt;
}

std::optional<scmp_arg_cmp> condition_of(const Json& arg) {
  static constexpr const char* kNames[] = {"NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"};
  const std::string op = arg.value("op", "");
  for (int i = 0; i < 7; ++i) {
    if (op != std::string("SCMP_CMP_") + kNames[i]) continue;
    return scmp_arg_cmp{arg.value("index", 0U), static_cast<scmp_compare>(SCMP_CMP_NE + i),
                        arg.value("value", std::uint64_t{0}), arg.value("valueTwo", std::uint64_t{0})};
  }
  return std::nullopt;
}

bool add_rules(scmp_filter_ctx filter, const Json& entry, std::uint32_t default_action) {
  const auto action = action_of(entry, "action", "errnoRet");
  if (!action) return false;
  std::vector<scmp_arg_cmp> conditions;
  std::array<int, 6> counts = {};
  for (const Json& arg : elements(entry, "args")) {
    const auto condition = condition_of(arg);
    if (!condition || condition->arg > 5) return false;
    conditions.push_back(*condition);
    ++counts[condition->arg];
  }
  if (*action == default_action) return true;
  const bool separate = std::any_of(begin(counts), end(counts), [](int count) { return count > 1; });
  for (const Json& name : elements(entry, "names")) {
    const int number = seccomp_syscall_resolve_name(name.get<std::string>().c_str());
    if (number == __NR_SCMP_ERROR) continue;
    if (separate) {
      for (const scmp_arg_cmp& condition : conditions) {
        if (seccomp_rule_add_array(filter, *action, number, 1, &condition) != 0) return false;
      }
    } else {
      const auto count = static_cast<unsigned>(conditions.size());
      if (seccomp_rule_add_array(filter, *action, number, count, conditions.data()) != 0) return false;
    }
  }
  return true;
}

bool add_architectures(scmp_filter_ctx filter, const Json& profile) {
  for (const Json& architecture : elements(profile, "architectures")) {
    std::string name = architecture.get<std::string>();
    if (!name.starts_with("SCMP_ARCH_")) return false;
    name.erase(0, 10);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const std::uint32_t token = seccomp_arch_resolve_name(name.c_str());
    if (token == 0) return false;
    const int added = seccomp_arch_add(filter, token);
    if (added != 0 && added != -EEXIST) return false;
  }
  return true;
}

std::optional<int> last_known(const Json& profile) {
  static const std::set<std::string> allowing = {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"};
  if (allowing.count(profile.value("defaultAction", "")) != 0) return std::nullopt;
  bool listed = false;
  for (const Json& architecture : elements(profile, "architectures")) {
    std::string name = architecture.get<std::string>();
    listed = listed || (seccomp_arch_native() == SCMP_ARCH_X86_64 && name == "SCMP_ARCH_X86_64") ||
             (seccomp_arch_native() == SCMP_ARCH_AARCH64 && name == "SCMP_ARCH_AARCH64");
  }
  if (!listed) return std::nullopt;
  int last = 0;
  for (const Json& entry : elements(profile, "syscalls")) {
    for (const Json& name : elements(entry, "names")) {
      last = std::max(last, seccomp_syscall_resolve_name(name.get<std::string>().c_str()));
    }
  }
  return last > 0 ? std::optional(last) : std::nullopt;
}

// --- the comparison ----------------------------------------------------------------------------------------

// Values of an argument that can be anything, at which some condition on it changes its mind.
std::vector<std::uint64_t> values_of_interest(const Json& profile, const seccomp::Call& call,
                                              unsigned index) {
  std::set<std::uint64_t> values = {0};
  bool mentioned = false;
  for (const Json& entry : elements(profile, "syscalls")) {
    const Json& names = elements(entry, "names");
    if (std::find(names.begin(), names.end(), call.name) == names.end()) continue;
    for (const Json& arg : elements(entry, "args")) {
      if (arg.value("index", 0U) != index) continue;
      mentioned = true;
      const auto one = arg.value("value", std::uint64_t{0});
      const auto two = arg.value("valueTwo", std::uint64_t{0});
      values.insert({one, one - 1, one + 1, two & one, two | ~one, ~std::uint64_t{0}, one ^ (1ULL << 32)});
    }
  }
  if (!mentioned) return {0x7FFD12345678};
  return {values.begin(), values.end()};
}

std::vector<Arguments> all_arguments(const Json& profile, const seccomp::Call& call) {
  std::vector<Arguments> all = {{}};
  for (unsigned i = 0; i < 6; ++i) {
    const auto& argument = call.arguments[i];
    const auto values = argument.known ? std::vector{argument.value} : values_of_interest(profile, call, i);
    std::vector<Arguments> longer;
    for (const Arguments& arguments : all) {
      for (const std::uint64_t value : values) {
        longer.push_back(arguments);
        longer.back()[i] = value;
        if (longer.size() > 2000) break;
      }
    }
    all = std::move(longer);
  }
  return all;
}

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

}  // namespace

std::vector<sock_filter> export_program(void* filter) {
  const int file = memfd_create("bpf", MFD_CLOEXEC);
  std::vector<sock_filter> program;
  if (file < 0) return program;
  if (seccomp_export_bpf(filter, file) == 0) {
    const off_t size = lseek(file, 0, SEEK_END);
    program.resize(static_cast<std::size_t>(size) / sizeof(sock_filter));
    if (pread(file, program.data(), static_cast<std::size_t>(size), 0) != size) program.clear();
  }
  close(file);
  return program;
}

std::optional<Filter> Filter::build(const Json& profile, Runtime runtime) {
  const auto default_action = action_of(profile, "defaultAction", "defaultErrnoRet");
  if (!default_action) return std::nullopt;
  if (runtime == Runtime::runc && *default_action == SCMP_ACT_NOTIFY) return std::nullopt;
  seccomp_api_set(6);
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(*default_action),
                                                                seccomp_release);
  if (!filter || !add_architectures(filter.get(), profile)) return std::nullopt;
  const Json& calls = elements(profile, "syscalls");
  if (runtime == Runtime::runc && calls.size() > 32) {
    seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  }
  for (const Json& entry : calls) {
    if (!add_rules(filter.get(), entry, *default_action)) return std::nullopt;
  }
  Filter built;
  built.program_ = export_program(filter.get());
  if (built.program_.empty()) return std::nullopt;
  if (runtime == Runtime::runc) built.last_known_ = last_known(profile);
  return built;
}

// The instructions that the kernel allows in a seccomp filter (seccomp_check_filter() in kernel/seccomp.c),
// of those the ones that libseccomp makes.
std::uint32_t Filter::answer(int number, const Arguments& arguments) const {
  seccomp_data data = {};
  data.nr = number;
  data.arch = seccomp_arch_native();
  std::copy(arguments.begin(), arguments.end(), data.args);
  if (last_known_ && number > *last_known_) return SCMP_ACT_ERRNO(ENOSYS);
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program_.size(); ++at) {
    const sock_filter& step = program_[at];
    const auto jump = [&](bool holds) { at += holds ? step.jt : step.jf; };
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::copy_n(reinterpret_cast<const char*>(&data) + step.k, 4, reinterpret_cast<char*>(&accumulator));
        break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= step.k; break;
      case BPF_JMP | BPF_JA: at += step.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: jump(accumulator == step.k); break;
      case BPF_JMP | BPF_JGT | BPF_K: jump(accumulator > step.k); break;
      case BPF_JMP | BPF_JGE | BPF_K: jump(accumulator >= step.k); break;
      case BPF_JMP | BPF_JSET | BPF_K: jump((accumulator & step.k) != 0); break;
      case BPF_RET | BPF_K: return step.k;
      default: std::fprintf(stderr, "no such instruction: 0x%x\n", step.code); std::abort();
    }
  }
  std::fprintf(stderr, "the filter has no end\n");
  std::abort();
}

std::string find_seccomp_fault(const std::string& text) {
  const Json profile = Json::parse(text);
  const std::string config = std::string(kBeforeProfile) + text + std::string(kBehindProfile);
  const auto spec = parse_spec(config);
  if (!spec) return "unreadable: " + spec.error().what;
  const auto judged = seccomp::Profile::parse(*spec->seccomp_value);
  for (const Runtime runtime : {Runtime::runc, Runtime::crun}) {
    const auto filter = Filter::build(profile, runtime);
    if (!filter) continue;
    if (!judged) return "a profile that runs is refused: " + judged.error().what;
    for (const seccomp::Call& call : seccomp::init_calls()) {
      const auto expected = judged->answers_to(call);
      const auto holds = [&expected](std::uint32_t answer) {
        return std::any_of(expected.begin(), expected.end(),
                           [answer](const auto& action) { return action.value == answer; });
      };
      const bool may_be_unknown = runtime == Runtime::runc;
      for (const Arguments& arguments : all_arguments(profile, call)) {
        const std::uint32_t answer = filter->answer(call.number, arguments);
        if (holds(answer) || (may_be_unknown && answer == SCMP_ACT_ERRNO(ENOSYS))) continue;
        std::string fault(call.name);
        fault.append("(");
        for (const std::uint64_t argument : arguments) fault.append(std::to_string(argument)).append(" ");
        fault.append(") is answered with ").append(hex(answer)).append(", expected");
        for (const auto& action : expected) fault.append(" ").append(hex(action.value));
        return fault.append("\n").append(text);
      }
    }
  }
  return "";
}

std::string make_profile(const std::uint8_t* bytes, std::size_t size) {
  const auto take = [&](std::size_t below) -> std::size_t {
    if (size == 0) return 0;
    --size;
    return *bytes++ % below;
  };
  static constexpr const char* kActions[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO",  "SCMP_ACT_KILL_PROCESS",
                                             "SCMP_ACT_KILL",  "SCMP_ACT_LOG",    "SCMP_ACT_TRAP",
                                             "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY", "SCMP_ACT_KILL_THREAD"};
  static constexpr const char* kOps[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
                                         "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
  static constexpr const char* kOthers[] = {"read", "clone3", "nonesuch", "execveat", "waitpid", "openat2"};
  const auto calls = seccomp::init_calls();
  Json profile = {{"defaultAction", kActions[take(9)]}};
  // Two actions as a rule: one in the profile, another by default.
  const std::size_t one_action = take(4) != 0 ? 1 + take(9) : 0;
  if (take(4) == 0) profile["defaultErrnoRet"] = take(3) * 38;
  if (take(2) == 0) profile["architectures"] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  profile["syscalls"] = Json::array();
  // libseccomp takes a time that grows exponentially with rules for one call that contradict each other.
  while (size > 0 && profile["syscalls"].size() < 10) {
    Json entry = {{"action", kActions[one_action != 0 ? one_action - 1 : take(9)]}};
    if (take(8) == 0) entry["errnoRet"] = take(3) * 19;
    const seccomp::Call& call = calls[take(calls.size())];
    entry["names"] = {call.name};
    for (std::size_t more = take(4); more > 0; --more) {
      const std::size_t other = take(calls.size() + 6);
      entry["names"].push_back(other < 6 ? kOthers[other] : calls[other - 6].name);
    }
    for (std::size_t args = take(4); args > 0; --args) {
      const std::size_t index = take(6);
      const auto value = [&]() -> std::uint64_t {
        const std::uint64_t near = call.arguments[index].value;
        switch (take(8)) {
          case 0: return near + 1;
          case 1: return near - 1;
          case 2: return 0x7E020000;  // CLONE_NEW..., as docker's profile has it
          case 3: return take(256);
          case 4: return near | std::uint64_t{1} << 32;
          case 5: return ~std::uint64_t{0} >> take(64);
          default: return near;
        }
      };
      Json arg = {{"index", index}, {"op", kOps[take(7)]}};
      arg["value"] = value();
      if (take(2) == 0) arg["valueTwo"] = value();
      entry["args"].push_back(arg);
    }
    profile["syscalls"].push_back(entry);
  }
  return profile.dump();
}

}  // namespace runi
