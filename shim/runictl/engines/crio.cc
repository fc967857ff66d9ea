#include "runictl/engines/crio.h"

namespace runi {
namespace {

struct Handler {
  std::string name;
  std::string program;
  Placed type;
  std::string where;
};

std::vector<Handler> handlers_in(std::span<const TomlFile> files) {
  const std::vector<Placed> roots = roots_of(files);
  std::vector<Handler> handlers;
  for (const auto& [name, entry] : names_in(roots, {"crio", "runtime", "runtimes"})) {
    const Placed path = find(roots, {"crio", "runtime", "runtimes", name, "runtime_path"});
    const Placed type = find(roots, {"crio", "runtime", "runtimes", name, "runtime_type"});
    // Without a path CRI-O looks for a program of the handler's name.
    const std::string program = path.text().value_or("").empty() ? name : *path.text();
    handlers.push_back({name, program, type, (path ? path : entry).where()});
  }
  return handlers;
}

void judge_handler(Judge& judge, const Handler& handler) {
  const std::size_t before = judge.count();
  const std::string subject = "handler " + quoted(handler.name);
  const bool usable = judge.judge_program(subject, "runtime_path", handler.program, handler.where);
  const std::string kind = handler.type.text().value_or("oci");
  if (!kind.empty() && kind != "oci") {
    judge.problem(subject + ": runtime_type is " + quoted(kind) + ", which calls no OCI runtime",
                  handler.type.where(), "set runtime_type = \"oci\"");
  }
  if (usable) judge.approve(subject, before, handler.program, handler.where);
}

}  // namespace

std::vector<std::string> programs_of_crio(std::span<const ConfigFile> files) {
  const std::vector<TomlFile> parsed = parse_valid(files);
  std::vector<std::string> programs;
  for (const Handler& handler : handlers_in(parsed)) programs.push_back(handler.program);
  return programs;
}

Judgement judge_crio(std::span<const ConfigFile> files, const Programs& programs) {
  Judge judge("CRI-O", programs);
  const std::vector<TomlFile> parsed = judge.parse(files);
  for (const Handler& handler : handlers_in(parsed)) {
    if (judge.concerns_runi(handler.name, handler.program)) judge_handler(judge, handler);
  }
  return judge.take();
}

}  // namespace runi
