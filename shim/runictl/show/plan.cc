#include "runictl/show/plan.h"

#include "runictl/show/diff.h"
#include "runictl/show/json.h"
#include "runictl/show/table.h"

#include <utility>
#include <variant>
#include <vector>

namespace runi {
namespace {

using Kind = State::Kind;

// What a step does, in a word or two for programs, and as a line for people.
struct Told {
  std::string what;
  std::string line;
};

std::vector<std::string> diff_of(const Change& change) {
  const bool is_text = change.role == Role::configuration || change.path.ends_with(".json");
  if (!is_text) return {};
  return unified_diff(lines_of(change.before.content), lines_of(change.after.content));
}

Told tell(const Change& change) {
  switch (change.after.kind) {
    case Kind::nothing: return {"remove", "remove " + change.path};
    case Kind::directory: return {"make directory", "make the directory " + change.path};
    case Kind::link: return {"link", "link " + change.path + " to " + change.after.content};
    default: break;
  }
  if (change.before.kind == Kind::nothing) return {"write", "write " + change.path};
  return {"replace", "replace " + change.path};
}

Told tell(const JudgeCandidate& step) {
  return {"judge", "have the engine's own program judge " + step.candidate.path};
}

Told tell(const ReloadEngine& step) {
  const std::string what = step.is_restart ? "restart" : "reload";
  return {what, what + " the engine by " + (step.by == RestartBy::signal ? "a signal" : "systemd")};
}

Told tell(const AwaitEngine& step) {
  return {"await", step.handler.empty() ? "wait until the engine answers"
                                        : "wait until the engine knows the handler " + step.handler};
}

Told tell(const ProveHandler&) {
  return {"prove", "run a container, as proof"};
}

Told tell(const Step& step) {
  return std::visit([](const auto& each) { return tell(each); }, step);
}

Colour colour_of(const std::string& line) {
  return line.starts_with('+')   ? Colour::green
         : line.starts_with('-') ? Colour::red
         : line.starts_with('@') ? Colour::dim
                                 : Colour::plain;
}

std::string title_of(const Plan& plan, const Outcome& outcome) {
  const std::string who = "handler " + plan.entry.handler + " of " + plan.entry.engine + ": ";
  if (outcome.is_dry_run && !plan.steps.empty()) return who + "this would be done";
  if (plan.steps.empty() && outcome.is_done) return who + "nothing to do";
  return who + (outcome.is_done ? "done" : "not done");
}

}  // namespace

std::string text_of(const Plan& plan, const Outcome& outcome, bool colours) {
  std::string text = printable(title_of(plan, outcome)) + "\n";
  for (const Step& step : plan.steps) {
    text += "  " + printable(tell(step).line) + "\n";
    const auto* change = std::get_if<Change>(&step);
    if (change == nullptr) continue;
    for (const std::string& line : diff_of(*change)) {
      text += "    " + painted(printable(line), colour_of(line), colours) + "\n";
    }
  }
  for (const std::string& note : plan.notes) text += printable("note: " + note) + "\n";
  if (!outcome.note.empty()) text += printable("note: " + outcome.note) + "\n";
  return text;
}

std::string json_of(const Plan& plan, const Outcome& outcome, std::string_view version) {
  Json steps = Json::array();
  for (const Step& step : plan.steps) {
    Json one = Json::object();
    one.add("do", tell(step).what);
    const auto* change = std::get_if<Change>(&step);
    if (change != nullptr) {
      one.add("path", change->path);
      if (change->after.kind == Kind::link) one.add("target", change->after.content);
      const std::vector<std::string> diff = diff_of(*change);
      if (!diff.empty()) one.add("diff", Json::array(diff));
    }
    steps.add(std::move(one));
  }
  std::vector<std::string> notes = plan.notes;
  if (!outcome.note.empty()) notes.push_back(outcome.note);
  Json json = Json::object();
  json.add("version", version);
  json.add("host_root", outcome.host_root);
  json.add("engine", Json::known(plan.entry.engine));
  json.add("handler", Json::known(plan.entry.handler));
  json.add("program", Json::known(plan.entry.program));
  json.add("dry_run", outcome.is_dry_run);
  json.add("done", outcome.is_done);
  json.add("steps", std::move(steps));
  json.add("notes", Json::array(notes));
  json.add("refused", Json::known(outcome.refusal.cause.empty() ? "" : outcome.refusal.line()));
  json.add("error", Json::known(outcome.error));
  return json.lines();
}

}  // namespace runi
