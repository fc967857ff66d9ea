#include "runictl/show/diff.h"

#include <algorithm>
#include <cstddef>

namespace runi {
namespace {

using json::Kind;
using json::Value;

// Deeper values stay in this column: hostile files are 10,000 deep.
constexpr std::size_t kMaxIndentedDepth = 40;
constexpr std::size_t kContext = 3;

struct Open {
  std::size_t end;  // index of the value after the last child
  char bracket;
};

// One line of the result: `op` is ' ', '-' or '+'.
struct Line {
  char op;
  std::string_view text;
};

// The edges of a grid whose path from corner to corner is the difference; index 0 is diagonal -reach.
using Frontier = std::vector<std::ptrdiff_t>;

// Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): for d = 0, 1, … the furthest x on each
// diagonal that d insertions and deletions reach. Returns the frontier before each d.
std::vector<Frontier> search(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  const auto n = static_cast<std::ptrdiff_t>(before.size());
  const auto m = static_cast<std::ptrdiff_t>(after.size());
  std::vector<Frontier> trace;
  Frontier frontier(3, 0);  // of d = 0: diagonals -1, 0, 1
  for (std::ptrdiff_t d = 0;; ++d) {
    trace.push_back(frontier);
    const auto at = [d](std::ptrdiff_t k) { return static_cast<std::size_t>(k + d + 1); };
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && frontier[at(k - 1)] < frontier[at(k + 1)]);
      std::ptrdiff_t x = down ? frontier[at(k + 1)] : frontier[at(k - 1)] + 1;
      while (x < n && x - k < m &&
             before[static_cast<std::size_t>(x)] == after[static_cast<std::size_t>(x - k)]) {
        ++x;
      }
      frontier[at(k)] = x;
      if (x >= n && x - k >= m) return trace;
    }
    frontier.insert(frontier.begin(), 0);  // one diagonal more on each side
    frontier.push_back(0);
  }
}

std::vector<Line> compare(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  const std::vector<Frontier> trace = search(before, after);
  std::vector<Line> lines;
  auto x = static_cast<std::ptrdiff_t>(before.size());
  auto y = static_cast<std::ptrdiff_t>(after.size());
  for (auto d = static_cast<std::ptrdiff_t>(trace.size()) - 1; d >= 0; --d) {
    const Frontier& frontier = trace[static_cast<std::size_t>(d)];
    const auto at = [d](std::ptrdiff_t k) { return static_cast<std::size_t>(k + d + 1); };
    const std::ptrdiff_t k = x - y;
    const bool down = k == -d || (k != d && frontier[at(k - 1)] < frontier[at(k + 1)]);
    const std::ptrdiff_t from_x = d == 0 ? 0 : down ? frontier[at(k + 1)] : frontier[at(k - 1)];
    const std::ptrdiff_t from_y = d == 0 ? 0 : from_x - (down ? k + 1 : k - 1);
    while (x > from_x && y > from_y) {
      --x;
      --y;
      lines.push_back({' ', before[static_cast<std::size_t>(x)]});
    }
    if (d > 0 && down) lines.push_back({'+', after[static_cast<std::size_t>(--y)]});
    if (d > 0 && !down) lines.push_back({'-', before[static_cast<std::size_t>(--x)]});
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

std::string heading(std::size_t before, std::size_t removed, std::size_t after, std::size_t added) {
  const auto range = [](std::size_t first, std::size_t count) {
    return std::to_string(count == 0 ? first : first + 1) + (count == 1 ? "" : "," + std::to_string(count));
  };
  return "@@ -" + range(before, removed) + " +" + range(after, added) + " @@";
}

}  // namespace

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines.emplace_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return lines;
}

std::vector<std::string> laid_out(const json::Document& document, std::string_view bytes) {
  const Value* values = &document.root();
  const std::size_t count = values->tree_size;
  std::vector<std::string> lines;
  std::vector<Open> open;
  for (std::size_t i = 0; i <= count; ++i) {
    while (!open.empty() && open.back().end == i) {
      const char bracket = open.back().bracket;
      open.pop_back();
      std::string line(2 * std::min(open.size(), kMaxIndentedDepth), ' ');
      line += bracket;
      if (!open.empty() && open.back().end != i) line += ',';
      lines.push_back(std::move(line));
    }
    if (i == count) break;
    const Value& value = values[i];
    std::string line(2 * std::min(open.size(), kMaxIndentedDepth), ' ');
    if (!open.empty() && open.back().bracket == '}') line += json::quote(value.key) + ": ";
    const bool nests = value.kind == Kind::array || value.kind == Kind::object;
    const bool last = open.empty() || open.back().end == i + value.tree_size;
    if (nests && value.tree_size > 1) {
      line += value.kind == Kind::array ? '[' : '{';
      open.push_back({i + value.tree_size, value.kind == Kind::array ? ']' : '}'});
    } else {
      line += nests ? (value.kind == Kind::array ? "[]" : "{}")
                    : bytes.substr(value.begin, value.end - value.begin);
      if (!last) line += ',';
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> unified_diff(const std::vector<std::string>& before,
                                      const std::vector<std::string>& after) {
  const std::vector<Line> lines = compare(before, after);
  const auto changed = [](const Line& line) { return line.op != ' '; };
  std::vector<std::string> hunks;
  std::size_t before_line = 0;
  std::size_t after_line = 0;
  auto done = lines.begin();
  for (;;) {
    const auto first = std::find_if(done, lines.end(), changed);
    if (first == lines.end()) return hunks;
    // The hunk ends where more lines than two contexts are alike.
    auto last = first;
    for (auto next = first;
         next != lines.end() && next - last <= static_cast<std::ptrdiff_t>(2 * kContext + 1);
         next = std::find_if(next + 1, lines.end(), changed)) {
      last = next;
    }
    const auto begin = first - std::min<std::ptrdiff_t>(first - done, kContext);
    const auto end = last + 1 + std::min<std::ptrdiff_t>(lines.end() - last - 1, kContext);
    before_line += static_cast<std::size_t>(begin - done);
    after_line += static_cast<std::size_t>(begin - done);
    const auto removed =
        static_cast<std::size_t>(std::count_if(begin, end, [](auto& l) { return l.op != '+'; }));
    const auto added =
        static_cast<std::size_t>(std::count_if(begin, end, [](auto& l) { return l.op != '-'; }));
    hunks.push_back(heading(before_line, removed, after_line, added));
    for (auto line = begin; line != end; ++line) hunks.push_back(line->op + std::string(line->text));
    before_line += removed;
    after_line += added;
    done = end;
  }
}

}  // namespace runi
