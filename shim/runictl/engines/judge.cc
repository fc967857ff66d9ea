#include "runictl/engines/judge.h"

#include "core/command_line.h"
#include "core/path.h"

namespace runi {

using std::string_view;

bool sounds_like_runi(string_view name) {
  return name == "runi" || name.starts_with("runi-");
}

std::string quoted(string_view name) {
  return "\"" + std::string(name) + "\"";
}

void Judge::add(Severity severity, std::string what, std::string where, std::string action) {
  judgement_.findings.push_back({severity, engine_, std::move(what), std::move(where), std::move(action)});
}

void Judge::problem(std::string what, std::string where, std::string action) {
  add(Severity::problem, std::move(what), std::move(where), std::move(action));
}

void Judge::problem_of_file(std::string what, std::string where) {
  problem(std::move(what), std::move(where), "correct the file; the engine cannot read it either");
  ++broken_files_;
}

std::vector<TomlFile> Judge::parse(std::span<const ConfigFile> files) {
  std::vector<TomlFile> valid;
  for (const ConfigFile& file : files) {
    TomlDocument document = parse_toml(file);
    if (document.error.empty()) {
      valid.push_back({&file, std::move(document.root)});
    } else {
      problem_of_file("not valid TOML: " + document.error,
                      file.path + ":" + std::to_string(document.error_line));
    }
  }
  return valid;
}

Program Judge::look_up(string_view program) const {
  const auto found = programs_.find(program);
  return found == programs_.end() ? Program::missing : found->second;
}

bool Judge::concerns_runi(string_view handler, const std::optional<std::string>& program) const {
  if (sounds_like_runi(handler)) return true;
  return program && (sounds_like_runi(base_name(*program)) || look_up(*program) == Program::runi);
}

bool Judge::judge_program(const std::string& handler, const std::string& key, const std::string& program,
                          const std::string& where) {
  const std::string subject = handler + ": " + key + " " + program;
  if (names_a_handler(base_name(program))) {
    problem(subject + ": crun takes such a name as the choice of one of its handlers", where,
            "give the link another name, runi-" + std::string(base_name(program)));
    return false;
  }
  switch (look_up(program)) {
    case Program::missing:
      problem(subject + " does not exist", where, "install runi there, or correct the path");
      return false;
    case Program::another:
      problem(subject + " is not runi, so no container gets an init", where, "name the path of runi");
      return false;
    case Program::runi: break;
  }
  judgement_.programs.push_back(program);
  if (!program.starts_with('/')) {
    add(Severity::warning, subject + " is looked for in the PATH of the engine", where,
        "name the whole path");
  }
  return true;
}

void Judge::approve(const std::string& handler, std::size_t before, const std::string& program,
                    const std::string& where) {
  if (is_any_wrong(std::span(judgement_.findings).subspan(before))) return;
  add(Severity::ok, handler + " calls " + program, where, "");
}

Judgement Judge::take() {
  judgement_.names_runi = count() > broken_files_;
  return std::move(judgement_);
}

}  // namespace runi
