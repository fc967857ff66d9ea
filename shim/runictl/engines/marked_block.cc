#include "runictl/engines/marked_block.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace runi {
namespace {

using std::string_view;

// FNV-1a. It has to notice a change by hand, not an attack: who writes here may write anything.
std::string checksum(string_view body) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : body) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::array<char, 17> digits;
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return digits.data();
}

std::string begin_mark(string_view handler) {
  return std::string(kBlockBegin) + std::string(handler);
}

std::string end_mark(string_view handler) {
  return "# END runi " + std::string(handler);
}

struct Line {
  std::size_t begin;
  std::size_t end;  // of its text
  std::size_t next;
};

std::vector<Line> lines_of(string_view text) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t newline = std::min(text.find('\n', at), text.size());
    const std::size_t end = newline > at && text[newline - 1] == '\r' ? newline - 1 : newline;
    lines.push_back({at, end, std::min(newline + 1, text.size())});
    at = lines.back().next;
  }
  return lines;
}

// The line end that the text has where it ends.
string_view line_end_of(string_view text) {
  const std::size_t newline = text.rfind('\n');
  const bool carriage = newline != string_view::npos && newline > 0 && text[newline - 1] == '\r';
  return carriage ? "\r\n" : "\n";
}

std::string with_line_ends(string_view text, string_view line_end) {
  std::string converted;
  for (const char c : text) {
    if (c == '\n') {
      converted += line_end;
    } else {
      converted += c;
    }
  }
  return converted;
}

}  // namespace

std::variant<Parted, Refusal> part(const ConfigFile& file, string_view handler) {
  const string_view text = file.text;
  const std::vector<Line> lines = lines_of(text);
  const std::string mark = begin_mark(handler);
  std::vector<std::size_t> begins;
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const string_view line = text.substr(lines[i].begin, lines[i].end - lines[i].begin);
    if (line == mark || line.starts_with(mark + " ")) begins.push_back(i);
    if (line == end_mark(handler)) ends.push_back(i);
  }
  if (begins.empty() && ends.empty()) return Parted{file.text, std::nullopt};
  const auto refuse = [&](std::size_t line, const std::string& cause) {
    return Refusal{
        file.path + ":" + std::to_string(line + 1), cause,
        "remove the lines of handler " + std::string(handler) + ", marks included, and restart its engine"};
  };
  if (begins.size() != 1 || ends.size() != 1 || ends.front() < begins.front()) {
    return refuse(begins.empty() ? ends.front() : begins.front(),
                  "the marks of this block are not one BEGIN and one END");
  }
  const Line& first = lines[begins.front()];
  const Line& last = lines[ends.front()];
  std::string body;
  for (std::size_t i = begins.front() + 1; i < ends.front(); ++i) {
    body += text.substr(lines[i].begin, lines[i].end - lines[i].begin);
    body += '\n';
  }
  if (text.substr(first.begin, first.end - first.begin) != mark + " " + checksum(body)) {
    return refuse(begins.front(), "somebody has changed this block since it was added");
  }
  std::size_t begin = first.begin;
  // The file had no line end at its end, and got one before the block.
  if (last.next == last.end && begin > 0) begin -= begin > 1 && text[begin - 2] == '\r' ? std::size_t{2} : 1;
  return Parted{std::string(text.substr(0, begin)) + std::string(text.substr(last.next)), std::move(body)};
}

std::string with_block(string_view text, string_view handler, string_view body) {
  const string_view line_end = line_end_of(text);
  const bool ended = text.empty() || text.ends_with('\n');
  std::string block = begin_mark(handler) + " " + checksum(body) + "\n";
  block += body;
  block += end_mark(handler) + (ended ? "\n" : "");
  return std::string(text) + std::string(ended ? "" : line_end) + with_line_ends(block, line_end);
}

}  // namespace runi
