#include "runictl/show/table.h"

#include <algorithm>
#include <iterator>

namespace runi {
namespace {

std::string_view sequence_of(Colour colour) {
  switch (colour) {
    case Colour::plain: return "";
    case Colour::bold: return "\x1b[1m";
    case Colour::dim: return "\x1b[2m";
    case Colour::red: return "\x1b[31m";
    case Colour::yellow: return "\x1b[33m";
    case Colour::green: return "\x1b[32m";
  }
  return "";
}

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// Characters that cannot be seen, or that make others be seen elsewhere: separators of lines and paragraphs,
// and those that Unicode lets a display ignore, the controls of direction among them. Source: Unicode,
// DerivedCoreProperties.txt, Default_Ignorable_Code_Point; UnicodeData.txt, Zl, Zp and Cf.
constexpr struct {
  std::uint32_t first;
  std::uint32_t last;
} kUnseen[] = {
    {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},   {0x115f, 0x1160}, {0x17b4, 0x17b5},
    {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

// Of one well-formed character of several bytes.
bool is_seen(std::string_view bytes) {
  std::uint32_t code = byte_at(bytes, 0) & (0xffU >> (bytes.size() + 1));
  for (std::size_t i = 1; i < bytes.size(); ++i) code = code << 6 | (byte_at(bytes, i) & 0x3fU);
  return std::none_of(std::begin(kUnseen), std::end(kUnseen),
                      [code](const auto& range) { return code >= range.first && code <= range.last; });
}

// Bytes of the UTF-8 character at `at`; 0 where there is none, or one that is not to be shown: a control
// character (C0, DEL, C1), or as is_seen() says.
std::size_t character_size(std::string_view text, std::size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) return first < 0x20 || first == 0x7f ? 0 : 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte_at(text, at + 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool not_a_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  const bool control = first == 0xc2 && second < 0xa0;
  if (overlong || not_a_character || control) return 0;
  return is_seen(text.substr(at, size)) ? size : 0;
}

}  // namespace

std::string painted(std::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::plain) return std::string(text);
  return std::string(sequence_of(colour)) + std::string(text) + "\x1b[0m";
}

std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t size = character_size(text, at); size > 0) {
      shown += text.substr(at, size);
      at += size;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    const unsigned char byte = byte_at(text, at);
    shown += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    ++at;
  }
  return shown;
}

std::size_t columns_of(std::string_view text) {
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string format_table(const std::vector<Cells>& rows, bool colours) {
  std::vector<std::vector<std::string>> texts;
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    auto& line = texts.emplace_back();
    for (std::size_t column = 0; column < row.size(); ++column) {
      line.push_back(printable(row[column].text));
      if (widths.size() <= column) widths.push_back(0);
      widths[column] = std::max(widths[column], columns_of(line.back()));
    }
  }
  std::string table;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    for (std::size_t column = 0; column < texts[at].size(); ++column) {
      const std::string& text = texts[at][column];
      table += painted(text, rows[at][column].colour, colours);
      if (column + 1 < texts[at].size()) table.append(widths[column] - columns_of(text) + 2, ' ');
    }
    table += '\n';
  }
  return table;
}

}  // namespace runi
