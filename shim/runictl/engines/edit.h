// What has to be written so that an engine has a handler that calls runi, or no longer has it. Pure: nothing
// is written here.
#pragma once

#include <optional>
#include <string>
#include <variant>

namespace runi {

// A handler that is to be there.
struct HandlerWanted {
  std::string name;         // as a RuntimeClass names it
  std::string program;      // the absolute path of runi
  std::string like;         // the handler whose settings it gets; empty: the engine's default
  bool is_default = false;  // it is to be the one for containers that name none
};

// All is as it should be already.
struct Unchanged {
  bool operator==(const Unchanged&) const = default;
};

// The file is to have these bytes. A new one must not be there yet.
struct WriteFile {
  std::string path;
  std::string text;
  bool is_new = false;

  bool operator==(const WriteFile&) const = default;
};

// There is nothing in the file that others have written.
struct RemoveFile {
  std::string path;

  bool operator==(const RemoveFile&) const = default;
};

// It cannot be done without a person.
struct Refusal {
  std::string where;  // file, or file:line; may be empty
  std::string cause;
  std::string remedy;

  bool operator==(const Refusal&) const = default;
  // All three in one line.
  [[nodiscard]] std::string line() const;
};

using Edit = std::variant<Unchanged, WriteFile, RemoveFile, Refusal>;

// Why no engine can have a handler of that name and program; empty where one can.
[[nodiscard]] std::optional<Refusal> refusal_of(const HandlerWanted& wanted);

// The refusal of a file that is not what its engine reads: "TOML" or "JSON".
[[nodiscard]] Refusal invalid_file(const std::string& where, const std::string& kind, const std::string& why);

}  // namespace runi
