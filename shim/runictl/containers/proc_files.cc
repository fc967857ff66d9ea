#include "runictl/containers/proc_files.h"

#include <algorithm>
#include <charconv>

namespace runi {
namespace {

using std::string_view;

// Takes what stands before the first `separator` off `text`, and the separator.
string_view take(string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

string_view trimmed(string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <typename Number>
bool read_number(string_view text, Number& number, int base = 10) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

// The words of a line, parted by blanks or tabs.
std::vector<string_view> columns_of(string_view line) {
  std::vector<string_view> columns;
  while (!(line = trimmed(line)).empty()) {
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    columns.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return columns;
}

bool read_numbers(string_view value, Process& process) {
  const auto numbers = columns_of(value);
  process.depth = numbers.size();
  return !numbers.empty() && read_number(numbers.back(), process.number);
}

bool read_uid(string_view value, Process& process) {
  const auto uids = columns_of(value);  // real, effective, saved, of the file system
  return uids.size() == 4 && read_number(uids[0], process.real_uid) && read_number(uids[1], process.uid) &&
         read_number(uids[2], process.saved_uid);
}

bool read_rss(string_view value, Process& process) {
  std::uint64_t kib = 0;
  const auto words = columns_of(value);
  if (words.size() != 2 || !read_number(words[0], kib)) return false;
  process.rss_kib = kib;
  return true;
}

// The names that matter, and what reads each one's value. False: it is not what it should be.
constexpr struct {
  string_view name;
  bool required;
  bool (*read)(string_view, Process&);
} kLines[] = {
    {"Name", true, [](string_view value, Process& p) { return p.name = value, true; }},
    {"State", true,
     [](string_view value, Process& p) { return !value.empty() && (p.state = value[0], true); }},
    {"Pid", true, [](string_view value, Process& p) { return read_number(value, p.pid); }},
    {"PPid", true, [](string_view value, Process& p) { return read_number(value, p.parent); }},
    {"Uid", true, read_uid},
    {"NSpid", true, read_numbers},
    {"VmRSS", false, read_rss},
    {"Threads", true, [](string_view value, Process& p) { return read_number(value, p.threads); }},
    {"SigBlk", true, [](string_view value, Process& p) { return read_number(value, p.blocked, 16); }},
    {"SigIgn", true, [](string_view value, Process& p) { return read_number(value, p.ignored, 16); }},
    {"SigCgt", true, [](string_view value, Process& p) { return read_number(value, p.caught, 16); }},
    {"NoNewPrivs", false, [](string_view value, Process& p) { return p.no_new_privs = value == "1", true; }},
    {"Seccomp", false, [](string_view value, Process& p) { return read_number(value, p.seccomp); }},
};

bool has_word(string_view list, string_view word) {
  while (!list.empty()) {
    if (take(list, ',') == word) return true;
  }
  return false;
}

// proc(5), mountinfo: blanks and the like stand as a backslash and three octal digits.
std::string unescaped(string_view text) {
  std::string plain;
  while (!text.empty()) {
    unsigned char byte = 0;
    if (text[0] == '\\' && text.size() >= 4 && read_number(text.substr(1, 3), byte, 8)) {
      plain += static_cast<char>(byte);
      text.remove_prefix(4);
    } else {
      plain += text[0];
      text.remove_prefix(1);
    }
  }
  return plain;
}

}  // namespace

std::optional<Process> parse_status(string_view bytes) {
  Process process;
  // The lines come in the table's order on every kernel, so each is looked for from the last one on: a name
  // that holds a line feed is escaped, and cannot forge one.
  for (const auto& line : kLines) {
    string_view rest = bytes;
    bool found = false;
    while (!rest.empty() && !found) {
      string_view text = take(rest, '\n');
      if (take(text, ':') != line.name) continue;
      if (!line.read(trimmed(text), process)) return std::nullopt;
      found = true;
      bytes = rest;
    }
    if (!found && line.required) return std::nullopt;
  }
  return process;
}

std::optional<Stat> parse_stat(string_view bytes) {
  // The second field is a name in parentheses that may hold anything, parentheses too.
  const auto end = bytes.rfind(')');
  if (end == string_view::npos) return std::nullopt;
  const auto fields = columns_of(bytes.substr(end + 1));  // from the third on
  Stat stat;
  if (fields.size() < 20 || fields[0].size() != 1) return std::nullopt;
  stat.state = fields[0][0];
  if (!read_number(fields[1], stat.parent) || !read_number(fields[3], stat.session) ||
      !read_number(fields[19], stat.start_ticks)) {
    return std::nullopt;
  }
  return stat;
}

std::optional<long> parse_syscall(string_view bytes) {
  long number = -1;
  if (!read_number(take(bytes, ' '), number) || number < 0) return std::nullopt;
  return number;
}

std::vector<std::string> parse_words(string_view bytes) {
  std::vector<std::string> words;
  while (!bytes.empty()) words.emplace_back(take(bytes, '\0'));
  return words;
}

std::optional<string_view> find_variable(string_view environment, string_view name) {
  while (!environment.empty()) {
    string_view value = take(environment, '\0');
    if (take(value, '=') == name) return value;
  }
  return std::nullopt;
}

std::vector<Cgroup> parse_cgroups(string_view bytes) {
  std::vector<Cgroup> cgroups;
  while (!bytes.empty()) {
    string_view line = take(bytes, '\n');
    take(line, ':');  // the hierarchy's number
    const string_view controllers = take(line, ':');
    if (line.starts_with('/')) cgroups.push_back({controllers, line});
  }
  return cgroups;
}

string_view find_own_path(const std::vector<Cgroup>& cgroups, const std::vector<Cgroup>& parents) {
  string_view own;
  for (const Cgroup& cgroup : cgroups) {
    const bool shared = std::any_of(parents.begin(), parents.end(),
                                    [&cgroup](const Cgroup& other) { return other.path == cgroup.path; });
    if (!shared && cgroup.path.size() > own.size()) own = cgroup.path;
  }
  return own;
}

Mounts parse_mounts(string_view bytes, string_view proc) {
  Mounts mounts;
  while (!bytes.empty()) {
    const auto fields = columns_of(take(bytes, '\n'));
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const string_view type = dash[1];
    const string_view options = dash[3];
    if (type == "proc" && unescaped(fields[4]) == proc) {
      mounts.hides_processes = false;  // the last mount there is the one that shows
      for (const string_view value : {"hidepid=2", "hidepid=invisible", "hidepid=4", "hidepid=ptraceable"}) {
        if (has_word(options, value)) mounts.hides_processes = true;
      }
    }
    const bool version_2 = type == "cgroup2";
    if (version_2 || (type == "cgroup" && has_word(options, "pids"))) {
      mounts.hierarchies.push_back({unescaped(fields[4]), unescaped(fields[3]), version_2});
    }
  }
  return mounts;
}

std::string find_pids_folder(const std::vector<Cgroup>& cgroups, const Mounts& mounts) {
  // Where version 1 has the controller, version 2 does not count.
  for (const bool version_2 : {false, true}) {
    for (const Mounts::Hierarchy& hierarchy : mounts.hierarchies) {
      if (hierarchy.version_2 != version_2) continue;
      for (const Cgroup& cgroup : cgroups) {
        if (version_2 ? !cgroup.controllers.empty() : !has_word(cgroup.controllers, "pids")) continue;
        string_view path = cgroup.path;
        if (hierarchy.root != "/") {
          if (!path.starts_with(hierarchy.root)) continue;
          path.remove_prefix(hierarchy.root.size());
          if (!path.empty() && path[0] != '/') continue;
        }
        // A cgroup outside of the reader's cgroup namespace begins with "/..": no mount has it.
        if (path.find("/../") != string_view::npos || path.ends_with("/..")) continue;
        return hierarchy.point + std::string(path == "/" ? "" : path);
      }
    }
  }
  return {};
}

std::optional<std::uint64_t> find_kib(string_view bytes, string_view name) {
  while (!bytes.empty()) {
    string_view line = take(bytes, '\n');
    if (take(line, ':') != name) continue;
    const auto words = columns_of(line);
    std::uint64_t kib = 0;
    if (words.size() == 2 && words[1] == "kB" && read_number(words[0], kib)) return kib;
    return std::nullopt;
  }
  return std::nullopt;
}

string_view base_of(string_view path) {
  const auto slash = path.rfind('/');
  return slash == string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace runi
