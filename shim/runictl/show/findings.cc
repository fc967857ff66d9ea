#include "runictl/show/findings.h"

#include "runictl/show/output.h"

#include <vector>

namespace runi {
namespace {

Colour colour_of(Severity severity) {
  switch (severity) {
    case Severity::ok: return Colour::green;
    case Severity::note: return Colour::bold;
    case Severity::warning: return Colour::yellow;
    case Severity::problem: return Colour::red;
  }
  return Colour::plain;
}

// "1 problem", "2 problems".
std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

std::string list_findings(std::span<const Finding> findings, bool colours) {
  std::vector<std::vector<Cell>> table;
  for (const Finding& finding : findings) {
    table.push_back({{std::string(name_of(finding.severity)), colour_of(finding.severity)},
                     {finding.subject},
                     {finding.what}});
    if (!finding.where.empty()) table.push_back({{""}, {""}, {"in " + finding.where}});
    if (!finding.action.empty()) table.push_back({{""}, {""}, {"-> " + finding.action}});
  }
  return format_table(table, colours) + "\n" + counted(count_of(findings, Severity::problem), "problem") +
         ", " + counted(count_of(findings, Severity::warning), "warning") + "\n";
}

std::string findings_as_json(std::span<const Finding> findings, const std::string& root) {
  JsonWriter json;
  json.begin_object();
  json.string("version", RUNI_VERSION);
  json.string("root", root);
  json.number("problems", static_cast<std::int64_t>(count_of(findings, Severity::problem)));
  json.number("warnings", static_cast<std::int64_t>(count_of(findings, Severity::warning)));
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : findings) {
    json.begin_object();
    json.string("severity", name_of(finding.severity));
    json.string("subject", finding.subject);
    json.string("what", finding.what);
    if (!finding.where.empty()) json.string("where", finding.where);
    if (!finding.action.empty()) json.string("action", finding.action);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.text();
}

}  // namespace runi
