#include "runictl/show/wording.h"

namespace runi {
namespace {

std::string text_of(Cause cause, const Container& container) {
  switch (cause) {
    case Cause::zombies: {
      std::string text = counted(container.held_zombies, "zombie", "zombies");
      if (container.oldest_zombie_s) text += ", oldest " + format_age(*container.oldest_zombie_s);
      return text;
    }
    case Cause::shell: return "a shell that does not forward SIGTERM";
    case Cause::no_handler: return "no handler for SIGTERM";
  }
  return {};
}

// An init adopts in PID 1's place. A shell does not care, and a program that leaves zombies does not wait.
bool may_wait_for_adopted(const Assessment& assessment, const Container& container) {
  return container.adopted > 0 && assessment.causes == std::vector{Cause::no_handler};
}

std::string text_of_need(const Assessment& assessment, const Container& container) {
  std::string text = "needs an init: ";
  for (const Cause cause : assessment.causes) {
    if (cause != assessment.causes.front()) text += "; ";
    text += text_of(cause, container);
  }
  if (may_wait_for_adopted(assessment, container)) {
    text += "; but it has adopted " + counted(container.adopted, "process", "processes") +
            ", and must stay PID 1 if it waits for them";
  }
  return text;
}

std::string text_of_verdict(const Assessment& assessment, const Container& container) {
  switch (assessment.verdict) {
    case Verdict::needs_init: return text_of_need(assessment, container);
    case Verdict::no_help:
      return "no init would help: without CAP_KILL and CAP_SETUID its signals would not reach the "
             "application, which has changed its user";
    case Verdict::ignores_sigterm: return "ignores SIGTERM, which no init can change";
    case Verdict::fine:
      return sigterm_of(container.first) == Sigterm::blocked ? "fine: waits for SIGTERM, it seems"
                                                             : "fine: handles SIGTERM, no zombies";
    case Verdict::has_init: return "has one: " + assessment.init;
    case Verdict::init_system: return "is an init system: " + assessment.init;
    case Verdict::sandbox:
      if (container.processes <= 1) return "is a pod's sandbox";
      return "is a pod's sandbox, and the init of " +
             counted(container.processes - 1, "process", "processes");
    case Verdict::not_started: return "not started yet";
  }
  return {};
}

}  // namespace

std::string text_of(const Assessment& assessment, const Container& container) {
  std::string text = text_of_verdict(assessment, container);
  if (assessment.verdict != Verdict::needs_init && container.held_zombies > 0) {
    text += ", yet " + text_of(Cause::zombies, container);
  }
  if (container.other_zombies > 0) {
    text += "; " + counted(container.other_zombies, "zombie", "zombies") + " of another process";
  }
  return text;
}

std::string format_age(std::uint64_t seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  if (seconds < 2 * kMinute) return std::to_string(seconds) + "s";
  if (seconds < 2 * kHour) return std::to_string(seconds / kMinute) + "m";
  if (seconds < 2 * kDay) return std::to_string(seconds / kHour) + "h";
  return std::to_string(seconds / kDay) + "d";
}

std::string counted(std::size_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

}  // namespace runi
