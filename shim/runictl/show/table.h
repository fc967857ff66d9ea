// Text for people: in columns and colours, and so that no name in it can steer a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

enum class Colour : std::uint8_t { plain, bold, dim, red, yellow, green };

// `text` in that colour, or as it is where colours are not wanted.
[[nodiscard]] std::string painted(std::string_view text, Colour colour, bool colours);

// Text from outside (a command line, an annotation) that can neither steer a terminal nor look like another:
// control characters, characters that cannot be seen or that turn the text around, and bytes that are not
// UTF-8, stand as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

// How wide it is on a terminal, every character taken for one column.
[[nodiscard]] std::size_t columns_of(std::string_view text);

// One cell of a table: its text, which is made printable, and its colour.
struct Cell {
  std::string text;
  Colour colour = Colour::plain;
};
using Cells = std::vector<Cell>;

// Rows as lines, each column as wide as its widest cell and two blanks apart; the first row is the heading.
// The last column is never padded.
[[nodiscard]] std::string format_table(const std::vector<Cells>& rows, bool colours);

}  // namespace runi
