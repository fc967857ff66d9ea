// What the judges of all engines share: which handlers are meant to be runi, and whether the programs they
// name can be. Pure: what lies at the paths on that machine is given.
#pragma once

#include "runictl/engines/finding.h"
#include "runictl/engines/toml.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runi {

enum class Program : std::uint8_t { runi, another, missing };

// What lies at the paths that configurations name. A path that is not in it is missing.
using Programs = std::map<std::string, Program, std::less<>>;

struct Judgement {
  std::vector<Finding> findings;
  std::vector<std::string> programs;  // the paths of runi by which handlers call it
  bool names_runi = false;            // whether a handler is to be runi, even if it is not
};

// Whether a handler or a program of that name is meant to be runi: "runi" or "runi-…".
[[nodiscard]] bool sounds_like_runi(std::string_view name);

// The name in double quotes, as a message cites it.
[[nodiscard]] std::string quoted(std::string_view name);

// One engine's findings in the making.
class Judge {
 public:
  // `programs` must outlive the judge.
  Judge(std::string engine, const Programs& programs) : engine_(std::move(engine)), programs_(programs) {}

  void add(Severity severity, std::string what, std::string where, std::string action);
  void problem(std::string what, std::string where, std::string action);

  // A file that the engine cannot read either; says nothing of whether it names runi.
  void problem_of_file(std::string what, std::string where);

  // The files that are valid TOML, in their order; the others are problems.
  [[nodiscard]] std::vector<TomlFile> parse(std::span<const ConfigFile> files);

  [[nodiscard]] Program look_up(std::string_view program) const;

  // Whether a handler of that name and program is meant to be runi.
  [[nodiscard]] bool concerns_runi(std::string_view handler, const std::optional<std::string>& program) const;

  // The program of a handler that is to be runi. Returns whether it can be.
  bool judge_program(const std::string& handler, const std::string& key, const std::string& program,
                     const std::string& where);

  // To be called last for a handler: says that it is right where nothing above a note was said since
  // `before`, a count().
  void approve(const std::string& handler, std::size_t before, const std::string& program,
               const std::string& where);

  [[nodiscard]] std::size_t count() const { return judgement_.findings.size(); }

  // Leaves nothing behind.
  [[nodiscard]] Judgement take();

 private:
  std::string engine_;
  const Programs& programs_;
  Judgement judgement_;
  std::size_t broken_files_ = 0;  // findings about files as such
};

}  // namespace runi
