#include "core/plan.h"

#include "core/edit.h"

#include <utility>

namespace runi {
namespace {

void end_without_init(StartPlan& plan, Reason reason, std::string detail) {
  plan.reason = reason;
  plan.detail = std::move(detail);
}

void make(StartPlan& plan, const CommandLine& command, const Config& config, const StartFacts& facts,
          std::string_view version) {
  // Nothing in a config.json could change this, not even that it cannot be read.
  if (config.inject == Inject::never) {
    return end_without_init(plan, Reason::disabled, "configuration: inject is never");
  }
  const auto bytes = facts.read_spec();
  if (!bytes) return fail(plan, with_context(facts.place, bytes.error()), config);
  // The runtime's own error is the one the user knows.
  if (!*bytes) {
    return end_without_init(plan, Reason::no_process, facts.place + ": No such file or directory");
  }
  auto parsed = parse_spec(**bytes);
  if (!parsed) return fail(plan, with_context(facts.place, parsed.error()), config);
  const Spec& spec = plan.spec.emplace(std::move(*parsed));
  Decision decision = decide(command, config, spec, facts.look_at_rootfs(spec));
  plan.reason = decision.reason;
  const auto failure = failure_of(decision, config);
  plan.detail = std::move(decision.detail);
  if (failure) return fail(plan, with_context(facts.place, *failure), config);
  plan.complaints = std::move(decision.complaints);
  if (decision.reason != Reason::inject) return;
  const auto init = facts.find_init();
  if (!init) return fail(plan, init.error(), config);
  plan.edited = inject(**bytes, spec, decision.injection, *init, version);
}

}  // namespace

std::optional<Error> failure_of(const Settings& settings, const Result<std::string>& runtime) {
  if (!runtime) return runtime.error();
  return settings.broken;
}

StartPlan plan_start(const CommandLine& command, const Settings& settings, const StartFacts& facts,
                     std::string_view version) {
  StartPlan plan;
  plan.failure = failure_of(settings, facts.runtime);
  plan.starts = !plan.failure;
  if (plan.starts) make(plan, command, settings.config, facts, version);
  return plan;
}

void fail(StartPlan& plan, Error why, const Config& config) {
  plan.edited.clear();
  plan.failure = std::move(why);
  plan.starts = config.on_failure == OnFailure::skip;
}

std::string_view decision_of(const StartPlan& plan) {
  if (!plan.reason || (*plan.reason == Reason::inject && plan.failure)) return "failed";
  return name_of(*plan.reason);
}

}  // namespace runi
