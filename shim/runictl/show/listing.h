// Tables of containers that fit the width of a terminal.
#pragma once

#include "runictl/show/table.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// Rows below a heading. The first column has what containers are called, the second a program, the last text
// that may go on in more lines. Columns are numbered from 0.
struct Listing {
  std::vector<Cells> rows;           // the heading first
  std::vector<std::size_t> numbers;  // columns to be aligned to the right
  std::vector<std::size_t> extras;   // columns that a narrow table does without; the last of them goes first
  std::size_t narrowest_text = 0;    // of the last column
};

// Cells of a heading.
[[nodiscard]] Cells heading_of(const std::vector<std::string>& names);

void drop_column(Listing& listing, std::size_t column);

// What all rows below the heading have in this column; empty where they differ, and where there are none.
[[nodiscard]] std::string only_value(const Listing& listing, std::size_t column);

// Takes the column of engines out of a listing in which it says the same in every row. Returns that, as
// " of docker", for the summary.
std::string take_engine(Listing& listing, std::size_t column);

// Names and programs are shortened until the rows fit into `width` columns, and the text goes on in the lines
// below. Some 60 columns are the least.
[[nodiscard]] std::string format_listing(Listing listing, std::size_t width, bool colours);

// The first characters of `text`, `columns` of them at most.
[[nodiscard]] std::string_view head_of(std::string_view text, std::size_t columns);

// `text` in at most `columns`, with "…" in the place of what had to go from its end.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);

// The same of "namespace/pod/container", where the end of the pod's name goes first: there stands what
// Kubernetes has added to its Deployment's name.
[[nodiscard]] std::string shortened_title(std::string_view title, std::size_t columns);

}  // namespace runi
