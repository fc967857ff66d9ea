#include "runictl/show/explanation.h"

#include "core/annotations.h"
#include "core/plan.h"
#include "runictl/show/diff.h"
#include "runictl/show/json.h"
#include "runictl/show/table.h"

#include <algorithm>
#include <utility>

namespace runi {
namespace {

// The version of runi that edited the file; empty if runi did not. The mark alone proves nothing, nor does
// the command: anyone could have written them.
std::string_view injected_by(const Spec& spec) {
  constexpr std::string_view kTargets[] = {kDevTarget, kRunTarget, kRootfsTarget};
  const auto version = spec.annotation(kInjectedAnnotation);
  if (!version || spec.args.empty()) return {};
  const bool first = std::find(std::begin(kTargets), std::end(kTargets), spec.args[0]) != std::end(kTargets);
  const bool mounted = std::any_of(spec.mounts.begin(), spec.mounts.end(),
                                   [&spec](const Mount& mount) { return mount.destination == spec.args[0]; });
  return first && mounted ? *version : std::string_view();
}

void show_edit(const Start& start, const Spec& spec, const std::string& edited, Explanation& explanation) {
  explanation.edit = splices_of(spec, explanation.decision.injection, *start.init, start.version);
  const auto before = json::Document::parse(*start.bytes, json::Comments::refused);
  const auto after = json::Document::parse(edited, json::Comments::refused);
  if (!before || !after) return;  // the edit keeps JSON JSON; without a diff the splices still tell
  explanation.diff = unified_diff(laid_out(*before, *start.bytes), laid_out(*after, edited));
}

void show_decision(const Start& start, const Spec& spec, const CommandLine& command,
                   Explanation& explanation) {
  const Config& config = start.settings.config;
  explanation.rows = explain(command, config, spec, start.rootfs);
  explanation.decision = decide(command, config, spec, start.rootfs);
  explanation.injected_by = injected_by(spec);
  if (!explanation.injected_by.empty()) explanation.injected_at = spec.args[0];
  std::copy_if(spec.annotations.begin(), spec.annotations.end(), std::back_inserter(explanation.annotations),
               [](const Annotation& annotation) { return is_of_runi(annotation.key); });
}

// As runi plans it, but with what has been looked up already.
StartPlan plan_of(const Start& start, const CommandLine& command) {
  const auto read_spec = [&start]() -> Result<std::optional<std::string_view>> {
    if (!start.bytes) return start.bytes.error();
    return std::optional<std::string_view>(*start.bytes);
  };
  const auto look_at_root = [&start](const Spec&) { return start.rootfs; };
  const auto find_init = [&start] { return start.init; };
  const StartFacts facts{start.runtime, start.place, read_spec, look_at_root, find_init};
  return plan_start(command, start.settings, facts, start.version);
}

std::string_view heading_of(StartOutcome outcome) {
  switch (outcome) {
    case StartOutcome::init: return "The container gets the init";
    case StartOutcome::injected: return "The container has the init already";
    case StartOutcome::plain: return "The container starts without an init";
    case StartOutcome::fallback: return "The container starts without an init, although one is wanted";
    case StartOutcome::refused: return "The container does not start";
  }
  return "";
}

Colour colour_of(StartOutcome outcome) {
  switch (outcome) {
    case StartOutcome::init:
    case StartOutcome::injected: return Colour::green;
    case StartOutcome::plain: return Colour::bold;
    case StartOutcome::fallback: return Colour::yellow;
    case StartOutcome::refused: return Colour::red;
  }
  return Colour::plain;
}

Cell verdict(bool fits, bool reached, bool decides) {
  if (decides) return {"decides", Colour::bold};
  if (reached) return {fits ? "matches" : "does not match", Colour::plain};
  return {fits ? "not reached, would match" : "not reached, would not match", Colour::dim};
}

std::vector<std::vector<Cell>> table_of(const Explanation& explanation) {
  std::vector<std::vector<Cell>> table = {
      {{"REASON", Colour::bold}, {"VERDICT", Colour::bold}, {"EVIDENCE", Colour::bold}}};
  bool reached = true;
  for (const Row& row : explanation.rows) {
    const bool decides = reached && row.evidence;
    table.push_back({{std::string(name_of(row.reason)), decides ? Colour::bold : Colour::plain},
                     verdict(row.evidence.has_value(), reached, decides),
                     {row.evidence.value_or("")}});
    if (decides) reached = false;
  }
  Cell last{reached ? "decides" : "not reached", reached ? Colour::bold : Colour::dim};
  table.push_back({{std::string(name_of(Reason::inject)), last.colour},
                   last,
                   {reached ? explanation.decision.detail : ""}});
  return table;
}

std::vector<std::vector<Cell>> facts_of(const Start& start, const Explanation& explanation) {
  const auto either = [](const Result<std::string>& result) {
    return result ? Cell{*result} : Cell{result.error().what, Colour::red};
  };
  std::vector<std::vector<Cell>> facts;
  if (!start.container.empty()) facts.push_back({{"container"}, {start.container}});
  facts.push_back({{"handler"}, {start.handler}});
  const std::string& path = start.settings.path;
  facts.push_back({{"configuration"}, {path.empty() ? "none: the defaults apply" : path}});
  facts.push_back({{"runtime"}, either(start.runtime)});
  facts.push_back({{"init"}, either(start.init)});
  facts.push_back({{"specification"}, {start.place}});
  facts.push_back({{"root"}, {start.root}});
  for (const Annotation& annotation : explanation.annotations) {
    facts.push_back({{"annotation"}, {std::string(annotation.key) + ": " + std::string(annotation.value)}});
  }
  for (const std::string& why : explanation.decision.complaints) {
    facts.push_back({{"ignored"}, {why, Colour::yellow}});
  }
  return facts;
}

Json json_of(const Result<std::string>& path) {
  Json json = Json::object();
  if (path) json.add("path", *path);
  if (!path) json.add("error", path.error().what);
  return json;
}

Json json_of(const std::vector<Annotation>& annotations) {
  Json json = Json::object();
  for (const Annotation& annotation : annotations) json.add(annotation.key, annotation.value);
  return json;
}

Json rows_of(const Explanation& explanation) {
  Json rows = Json::array();
  bool reached = true;
  const auto add_row = [&rows, &reached](Reason reason, bool fits, std::string_view evidence) {
    Json row = Json::object();
    row.add("reason", name_of(reason));
    row.add("reached", reached);
    row.add("fits", fits);
    if (fits) row.add("evidence", evidence);
    rows.add(std::move(row));
    reached = reached && !fits;
  };
  for (const Row& row : explanation.rows) {
    add_row(row.reason, row.evidence.has_value(), row.evidence.value_or(""));
  }
  if (!explanation.rows.empty()) add_row(Reason::inject, reached, explanation.decision.detail);
  return rows;
}

Json json_of(const Splice& splice) {
  Json json = Json::object();
  json.add("pointer", splice.pointer);
  json.add("offset", splice.begin);
  json.add("removed", splice.end - splice.begin);
  json.add("inserted", splice.text);
  return json;
}

Json edit_of(const Explanation& explanation) {
  if (explanation.edit.empty()) return nullptr;
  Json changes = Json::array();
  for (const Splice& splice : explanation.edit) changes.add(json_of(splice));
  Json edit = Json::object();
  edit.add("target", explanation.decision.injection.target);
  edit.add("arguments", Json::array(explanation.decision.injection.arguments));
  edit.add("changes", std::move(changes));
  return edit;
}

}  // namespace

std::string_view name_of(StartOutcome outcome) {
  switch (outcome) {
    case StartOutcome::init: return "init";
    case StartOutcome::injected: return "injected";
    case StartOutcome::plain: return "plain";
    case StartOutcome::fallback: return "fallback";
    case StartOutcome::refused: return "refused";
  }
  return "unknown";
}

Explanation explain_start(const Start& start, const Result<Spec>& spec) {
  Explanation explanation;
  CommandLine command;
  command.verb = Verb::create;
  if (start.bytes && spec) show_decision(start, *spec, command, explanation);
  const StartPlan plan = plan_of(start, command);
  if (!explanation.injected_by.empty() && !failure_of(start.settings, start.runtime)) {
    explanation.outcome = StartOutcome::injected;
  } else if (plan.failure) {
    explanation.outcome = plan.starts ? StartOutcome::fallback : StartOutcome::refused;
    explanation.error = plan.failure;
  } else if (plan.injects()) {
    explanation.outcome = StartOutcome::init;
    show_edit(start, *spec, plan.edited, explanation);
  }
  return explanation;
}

std::string text_of(const Start& start, const Explanation& explanation, bool colours) {
  std::string text = format_table(facts_of(start, explanation), colours);
  std::string heading(heading_of(explanation.outcome));
  if (explanation.error) {
    heading += ": " + printable(explanation.error->what);
  } else if (explanation.outcome == StartOutcome::injected) {
    heading +=
        ": runi " + printable(explanation.injected_by) + " put it at " + printable(explanation.injected_at);
  } else if (!explanation.rows.empty()) {
    heading += ": " + std::string(name_of(explanation.decision.reason)) + ": " +
               printable(explanation.decision.detail);
  }
  text += "\n" + painted(heading, colour_of(explanation.outcome), colours) + "\n";
  if (!explanation.rows.empty()) text += "\n" + format_table(table_of(explanation), colours);
  if (explanation.diff.empty()) return text;
  text += "\nThe edit, shown with one value on each line; the file itself keeps its layout: |\n\n";
  text += "--- " + printable(start.place) + "\n+++ " + printable(start.place) + ", edited\n";
  for (const std::string& line : explanation.diff) {
    const Colour colour = line[0] == '+' ? Colour::green : line[0] == '-' ? Colour::red : Colour::plain;
    text += painted(printable(line), colour, colours) + "\n";
  }
  return text;
}

std::string json_of(const Start& start, const Explanation& explanation) {
  Json json = Json::object();
  json.add("version", start.version);
  json.add("handler", start.handler);
  json.add("configuration", Json::known(start.settings.path));
  json.add("runtime", json_of(start.runtime));
  json.add("init", json_of(start.init));
  json.add("specification", start.place);
  json.add("root", start.root);
  json.add("annotations", json_of(explanation.annotations));
  json.add("ignored", Json::array(explanation.decision.complaints));
  json.add("outcome", name_of(explanation.outcome));
  json.add("injected", Json::known(explanation.injected_by));
  json.add("error", explanation.error ? Json(explanation.error->what) : Json());
  if (!explanation.rows.empty()) {
    json.add("reason", name_of(explanation.decision.reason));
    json.add("detail", explanation.decision.detail);
  }
  json.add("rows", rows_of(explanation));
  json.add("edit", edit_of(explanation));
  return json.lines();
}

}  // namespace runi
