// How runictl speaks: text in columns and colours for people, JSON for programs.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class Colour : std::uint8_t { plain, bold, dim, red, yellow, green };

// Whether stdout shows colours: it is a terminal that can, and the variable NO_COLOR (no-color.org) is not
// set.
[[nodiscard]] bool colours_wanted();

// How wide a line may be: as the terminal is, or COLUMNS says; elsewhere wide enough for most names.
[[nodiscard]] std::size_t line_width();

// `text` in that colour, or as it is where colours are not wanted.
[[nodiscard]] std::string painted(std::string_view text, Colour colour, bool colours);

// Text from outside (a command line, an annotation) that can neither steer a terminal nor look like another:
// control characters, characters that cannot be seen or that turn the text around, and bytes that are not
// UTF-8, stand as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

// One cell of a table: its text, which is made printable, and its colour.
struct Cell {
  std::string text;
  Colour colour = Colour::plain;
};

// Rows as lines, each column as wide as its widest cell and two blanks apart; the first row is the heading.
// The last column is never padded.
[[nodiscard]] std::string format_table(const std::vector<std::vector<Cell>>& rows, bool colours);

// One JSON text of printable ASCII, indented by two blanks. Calls must nest as the text does; in an object
// each value follows its key().
class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);
  void string(std::string_view value);
  void number(std::int64_t value);
  void boolean(bool value);
  void null();

  // The two together, for members.
  void string(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  void boolean(std::string_view name, bool value);

  // The whole text, with a line feed at its end.
  [[nodiscard]] std::string text() const { return text_ + "\n"; }

 private:
  void open(char bracket);
  void close(char bracket);
  void begin_value();

  std::string text_;
  std::size_t depth_ = 0;
  bool first_ = true;       // in the innermost array or object
  bool after_key_ = false;  // a value comes on the key's line
};

// Puts text on stdout. Errors show in flush_output.
void print(std::string_view text);

// Errors: something of what was printed could not be written.
Result<void> flush_output();

// One line "runictl: …" on stderr.
void complain(std::string_view message);

}  // namespace runi
