#include "runictl/show/findings.h"

#include "runictl/show/json.h"
#include "runictl/show/table.h"

#include <utility>
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

std::string findings_as_json(std::span<const Finding> findings, const std::string& root,
                             std::string_view version) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    Json one = Json::object();
    one.add("severity", name_of(finding.severity));
    one.add("subject", finding.subject);
    one.add("what", finding.what);
    if (!finding.where.empty()) one.add("where", finding.where);
    if (!finding.action.empty()) one.add("action", finding.action);
    list.add(std::move(one));
  }
  Json json = Json::object();
  json.add("version", version);
  json.add("root", root);
  json.add("problems", count_of(findings, Severity::problem));
  json.add("warnings", count_of(findings, Severity::warning));
  json.add("findings", std::move(list));
  return json.lines();
}

}  // namespace runi
