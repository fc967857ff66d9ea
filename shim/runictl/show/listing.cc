#include "runictl/show/listing.h"

#include <algorithm>

namespace runi {
namespace {

using std::string_view;

constexpr std::size_t kTitle = 0;
constexpr std::size_t kProgram = 1;
constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrow = 100;  // columns; with fewer, the extras are left out

// Which column gives way first, and down to what. Names give way last, because they tell rows apart.
constexpr struct {
  std::size_t column;
  std::size_t least;
} kCuts[] = {{kProgram, 12}, {kTitle, 30}, {kProgram, 8}, {kTitle, 12}};

// Lines of at most `columns`, broken at blanks where there are some.
std::vector<std::string> wrapped(string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  while (columns_of(text) > columns) {
    string_view line = head_of(text, columns);
    if (const auto blank = text.substr(0, line.size() + 1).rfind(' ');
        blank != string_view::npos && blank > 0) {
      line = line.substr(0, blank);
    }
    lines.emplace_back(line);
    text.remove_prefix(line.size());
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  lines.emplace_back(text);
  return lines;
}

// Of each column, when nothing is cut.
std::vector<std::size_t> widths_of(const std::vector<Cells>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i].text));
  }
  return widths;
}

// Narrows the columns that may give way, and the last one to what remains of the line.
void fit(std::vector<std::size_t>& widths, std::size_t narrowest_text, std::size_t width) {
  std::size_t used = kGap * (widths.size() - 1);
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) used += widths[i];
  const std::size_t text = std::min(widths.back(), std::max(narrowest_text, width / 3));
  for (const auto& [column, least] : kCuts) {
    if (used + text <= width || widths[column] <= least) continue;
    const std::size_t cut = std::min(used + text - width, widths[column] - least);
    widths[column] -= cut;
    used -= cut;
  }
  widths.back() = std::max(width, used + narrowest_text) - used;
}

}  // namespace

Cells heading_of(const std::vector<std::string>& names) {
  Cells cells;
  for (const std::string& name : names) cells.push_back({name, Colour::bold});
  return cells;
}

void drop_column(Listing& listing, std::size_t column) {
  for (Cells& row : listing.rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  for (std::vector<std::size_t>* columns : {&listing.numbers, &listing.extras}) {
    std::erase(*columns, column);
    for (std::size_t& other : *columns) other -= other > column ? 1 : 0;
  }
}

std::string only_value(const Listing& listing, std::size_t column) {
  const auto& rows = listing.rows;
  if (rows.size() < 2) return {};
  const std::string& value = rows[1][column].text;
  const bool same = std::all_of(rows.begin() + 1, rows.end(),
                                [&value, column](const Cells& row) { return row[column].text == value; });
  return same ? value : std::string();
}

std::string take_engine(Listing& listing, std::size_t column) {
  const std::string engine = only_value(listing, column);
  if (engine.empty()) return {};
  drop_column(listing, column);
  return engine == "-" ? std::string() : " of " + engine;
}

std::string format_listing(Listing listing, std::size_t width, bool colours) {
  while (width < kNarrow && !listing.extras.empty()) drop_column(listing, listing.extras.back());
  for (Cells& row : listing.rows) {
    for (Cell& cell : row) cell.text = printable(cell.text);
  }
  std::vector<std::size_t> widths = widths_of(listing.rows);
  fit(widths, listing.narrowest_text, width);
  std::vector<Cells> lines;
  for (Cells& row : listing.rows) {
    row[kTitle].text = shortened_title(row[kTitle].text, widths[kTitle]);
    row[kProgram].text = shortened(row[kProgram].text, widths[kProgram]);
    for (const std::size_t column : listing.numbers) {
      row[column].text.insert(0, widths[column] - columns_of(row[column].text), ' ');
    }
    const Colour colour = row.back().colour;
    auto texts = wrapped(row.back().text, widths.back());
    row.back().text = std::move(texts.front());
    lines.push_back(std::move(row));
    for (std::size_t i = 1; i < texts.size(); ++i) {
      lines.emplace_back(widths.size()).back() = Cell{std::move(texts[i]), colour};
    }
  }
  return format_table(lines, colours);
}

string_view head_of(string_view text, std::size_t columns) {
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  std::size_t at = 0;
  while (at < text.size() && (columns > 0 || !begins_character(text[at]))) {
    if (begins_character(text[at])) --columns;
    ++at;
  }
  return text.substr(0, at);
}

std::string shortened(string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  return std::string(head_of(text, columns - 1)) + "…";
}

std::string shortened_title(string_view title, std::size_t columns) {
  constexpr std::size_t kLeastOfPod = 4;
  const auto first = title.find('/');
  const auto last = title.rfind('/');
  if (columns_of(title) <= columns || first == last) return shortened(title, columns);
  const string_view space = title.substr(0, first + 1);
  const string_view pod = title.substr(first + 1, last - first - 1);
  const string_view container = title.substr(last);
  const std::size_t others = columns_of(space) + columns_of(container);
  if (others + kLeastOfPod + 1 > columns) return shortened(title, columns);
  return std::string(space) + shortened(pod, columns - others) + std::string(container);
}

}  // namespace runi
