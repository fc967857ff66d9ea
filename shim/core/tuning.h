// How the init behaves in a container: what an administrator and a pod may both choose, and how it is
// written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class Forward { child, group };

// runi-init(8) explains the options. A container that says nothing gets every member's default.
struct Tuning {
  Forward forward = Forward::child;
  // -S: signals that act on an application without a handler. Without a value all of them do, and -S is not
  // given.
  std::optional<std::vector<std::string>> stop_signals{{"TERM", "INT", "QUIT"}};
  std::vector<std::string> signals;  // each "FROM:TO", as -r takes it, and no FROM twice
  std::vector<int> expected_exits;   // -e: 0 to 255, none twice
  std::optional<int> grace_s;        // -t: kMostGraceSeconds at most
};

// A day. A straggler ends sooner, and a larger number is most likely one of milliseconds.
inline constexpr int kMostGraceSeconds = 86'400;

// What is expected where the functions below say no.
inline constexpr std::string_view kRewritingForm =
    "FROM:TO, names or numbers of signals, where TO may be 0 and no FROM appears twice";
inline constexpr std::string_view kExitForm = "an exit code from 0 to 255, none of them twice";
inline constexpr std::string_view kGraceForm = "whole seconds, 0 to 86400";
inline constexpr std::string_view kStopForm = "a signal's name or number, none of them twice";

// In place of a list of stop signals: all of them.
inline constexpr std::string_view kEverySignal = "all";

// Each returns whether `text` has that form, and adds or stores what it says; otherwise nothing changes.
[[nodiscard]] bool add_rewriting(std::string_view text, std::vector<std::string>& signals);
[[nodiscard]] bool add_exit(std::string_view text, std::vector<int>& exits);
[[nodiscard]] bool add_stop_signal(std::string_view text, std::vector<std::string>& signals);
[[nodiscard]] bool read_grace(std::string_view text, std::optional<int>& grace_s);

// The words that tell the init. It refuses none of them.
[[nodiscard]] std::vector<std::string> options_for(const Tuning& tuning);

}  // namespace runi
