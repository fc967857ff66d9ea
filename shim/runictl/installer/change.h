// What an installation does to a machine's files, as pairs of states: each change knows how it is undone.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace runi {

// What lies at a path, a symbolic link not followed.
struct State {
  enum class Kind : std::uint8_t { nothing, file, link, directory, other };

  Kind kind = Kind::nothing;
  std::string content;  // a file's bytes, or a link's target
  std::uint32_t mode =
      0644;  // of a file; a program's has execute bits. Means nothing where it is not made anew

  [[nodiscard]] bool is(const State& other) const { return kind == other.kind && content == other.content; }

  // Whether it is a file that cannot be executed though `other` can.
  [[nodiscard]] bool lacks_execution_of(const State& other) const {
    return kind == Kind::file && (other.mode & ~mode & 0111) != 0;
  }

  static State file(std::string bytes, std::uint32_t mode = 0644) {
    return {Kind::file, std::move(bytes), mode};
  }
  static State link(std::string target) { return {Kind::link, std::move(target)}; }
  static State directory() { return {Kind::directory, {}}; }
};

// What a file is for.
enum class Role : std::uint8_t {
  directory,
  program,  // runi's own files
  link,
  configuration,  // an engine's
};

struct Change {
  std::string path;
  Role role = Role::program;
  State before;
  State after;

  [[nodiscard]] Change undone() const { return {path, role, after, before}; }
};

}  // namespace runi
