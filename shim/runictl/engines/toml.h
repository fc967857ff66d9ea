// TOML as plain trees of values that know their lines, and several files read as one. Hides the TOML library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// A configuration file of an engine.
struct ConfigFile {
  std::string path;
  std::string text;
};

struct TomlValue {
  enum class Kind : std::uint8_t { table, array, scalar };

  Kind kind = Kind::table;
  std::string key;                  // of a member of a table
  std::size_t line = 0;             // where it begins; 0 where it is not known
  std::vector<TomlValue> children;  // a table's members, sorted by their keys, or an array's elements
  // Of a scalar; what can be read as each. A whole number is a truth, too, as the library has it.
  std::optional<std::string> text;
  std::optional<std::int64_t> number;
  std::optional<bool> truth;
  std::string
      written;  // of a scalar, in TOML; the same for two of one type and value, however they were spelt

  // A table's member; null where this is no table or has no such member.
  [[nodiscard]] const TomlValue* member(std::string_view name) const;
  // The strings in an array; none where it is no array.
  [[nodiscard]] std::vector<std::string> words() const;
};

struct TomlDocument {
  TomlValue root;     // an empty table where the text is not valid TOML
  std::string error;  // why it is not; empty where it is
  std::size_t error_line = 0;
};

[[nodiscard]] TomlDocument parse_toml(const ConfigFile& file);

// `text` as a TOML string, and as a key: bare where that can be.
[[nodiscard]] std::string toml_string(std::string_view text);
[[nodiscard]] std::string toml_key(std::string_view key);

// Whether it is what most settings are where they are left out: an empty text, list or table, 0, false.
[[nodiscard]] bool says_nothing(const TomlValue& value);

// The value in one line of TOML; a table is an inline one.
[[nodiscard]] std::string toml_line(const TomlValue& value);

struct TomlFile {
  const ConfigFile* file;
  TomlValue root;
};

// The files that are valid TOML, in their order. `files` must outlive them.
[[nodiscard]] std::vector<TomlFile> parse_valid(std::span<const ConfigFile> files);

// The value that the keys lead to from `value`; null where one of them is missing, or `value` is null.
[[nodiscard]] const TomlValue* descend(const TomlValue* value, std::span<const std::string_view> keys);

// A value and the file that it stands in. Both must outlive it.
struct Placed {
  const TomlValue* value = nullptr;
  const ConfigFile* file = nullptr;

  explicit operator bool() const { return value != nullptr; }
  // "file:line"; empty where there is no value.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] std::optional<std::string> text() const;
  [[nodiscard]] bool truth() const;
  [[nodiscard]] bool has_word(std::string_view word) const;
};

// The files' outermost tables, which must outlive them.
[[nodiscard]] std::vector<Placed> roots_of(std::span<const TomlFile> files);

// Several tables as one: the last that has a key decides. Tables that are null are passed over.
[[nodiscard]] Placed find(std::span<const Placed> tables, const std::vector<std::string_view>& keys);

// The names in the table that the keys lead to, each where it stands last.
[[nodiscard]] std::map<std::string, Placed> names_in(std::span<const Placed> tables,
                                                     const std::vector<std::string_view>& keys);

}  // namespace runi
