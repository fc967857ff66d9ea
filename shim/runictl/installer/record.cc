#include "runictl/installer/record.h"

#include "core/json.h"
#include "core/sha256.h"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

namespace runi {
namespace {

using json::Kind;
using json::Value;
using std::string_view;

template <typename Type>
struct Word {
  string_view word;
  Type value;
};
constexpr Word<Role> kRoles[] = {{"directory", Role::directory},
                                 {"program", Role::program},
                                 {"link", Role::link},
                                 {"configuration", Role::configuration}};
constexpr Word<Progress> kProgress[] = {
    {"begun", Progress::begun}, {"unproven", Progress::unproven}, {"done", Progress::done}};

template <typename Type, std::size_t Count>
string_view word_of(const Word<Type> (&words)[Count], Type value) {
  return std::find_if(words, words + Count, [value](const auto& word) { return word.value == value; })->word;
}

// A member that an object may have.
struct Member {
  string_view name;
  bool is_needed;
  std::function<Result<void>(const Value&)> take;
};

class Reader {
 public:
  explicit Reader(string_view text) : text_(text) {}

  Result<Record> read() const {
    const auto document = json::Document::parse(text_, json::Comments::refused);
    if (!document) return document.error();
    Record record;
    std::string version;
    const Member members[] = {{"version", true,
                               [&](const Value& value) -> Result<void> {
                                 if (value.kind == Kind::number && value.text == "1") return {};
                                 return fault(value,
                                              "expected version 1; a later runictl may have written this");
                               }},
                              {"entries", true, [&](const Value& value) {
                                 return each(value, [&](const Value& entry) {
                                   record.entries.emplace_back();
                                   return read_entry(entry, record.entries.back());
                                 });
                               }}};
    if (auto done = object(document->root(), members); !done) return done.error();
    return record;
  }

 private:
  [[nodiscard]] Error fault(const Value& value, const std::string& what) const {
    const string_view before = text_.substr(0, value.begin);
    return Error{"line " + std::to_string(std::count(before.begin(), before.end(), '\n') + 1) + ": " +
                 (value.key.empty() ? "" : json::cite(value.key) + ": ") + what};
  }

  [[nodiscard]] Result<void> each(const Value& value,
                                  const std::function<Result<void>(const Value&)>& take) const {
    if (value.kind != Kind::array) return fault(value, "expected an array");
    for (const Value& element : value.children()) {
      if (auto done = take(element); !done) return done;
    }
    return {};
  }

  [[nodiscard]] Result<void> object(const Value& value, std::span<const Member> members) const {
    if (value.kind != Kind::object) return fault(value, "expected an object");
    std::vector<string_view> seen;
    for (const Value& child : value.children()) {
      const auto member = std::find_if(members.begin(), members.end(),
                                       [&](const Member& known) { return known.name == child.key; });
      if (member == members.end()) return fault(child, "unknown member");
      if (std::find(seen.begin(), seen.end(), child.key) != seen.end()) return fault(child, "appears twice");
      seen.push_back(child.key);
      if (auto done = member->take(child); !done) return done;
    }
    for (const Member& member : members) {
      if (!member.is_needed || std::find(seen.begin(), seen.end(), member.name) != seen.end()) continue;
      return fault(value, json::cite(member.name) + " is missing");
    }
    return {};
  }

  [[nodiscard]] Member text(string_view name, bool is_needed, std::function<void(std::string)> set) const {
    return {name, is_needed, [this, set = std::move(set)](const Value& value) -> Result<void> {
              if (value.kind != Kind::string) return fault(value, "expected a string");
              set(std::string(value.text));
              return {};
            }};
  }

  template <typename Type, std::size_t Count>
  [[nodiscard]] Member one_of(string_view name, const Word<Type> (&words)[Count], Type& chosen) const {
    return {name, true, [this, &words, &chosen](const Value& value) -> Result<void> {
              for (const auto& [word, meaning] : words) {
                if (value.kind != Kind::string || value.text != word) continue;
                chosen = meaning;
                return {};
              }
              return fault(value, "unknown word");
            }};
  }

  [[nodiscard]] Result<void> read_entry(const Value& value, Entry& entry) const {
    const Member members[] = {
        text("engine", true, [&](std::string word) { entry.engine = std::move(word); }),
        text("handler", true, [&](std::string word) { entry.handler = std::move(word); }),
        text("program", true, [&](std::string word) { entry.program = std::move(word); }),
        {"default", true,
         [&](const Value& truth) -> Result<void> {
           if (truth.kind != Kind::boolean) return fault(truth, "expected true or false");
           entry.is_default = truth.text == "true";
           return {};
         }},
        one_of("progress", kProgress, entry.progress),
        {"files", true, [&](const Value& files) {
           return each(files, [&](const Value& file) {
             entry.files.emplace_back();
             return read_file(file, entry.files.back());
           });
         }}};
    return object(value, members);
  }

  [[nodiscard]] Result<void> read_file(const Value& value, RecordedFile& file) const {
    const Member members[] = {
        text("path", true, [&](std::string word) { file.path = std::move(word); }),
        one_of("kind", kRoles, file.role),
        text("sha256", false, [&](std::string word) { file.sha256 = std::move(word); }),
        text("target", false, [&](std::string word) { file.target = std::move(word); }),
        text("before", false, [&](std::string word) { file.before = std::move(word); })};
    if (auto done = object(value, members); !done) return done;
    if (!file.path.starts_with('/')) return fault(value, "\"path\" is not absolute");
    return {};
  }

  string_view text_;
};

std::string member(string_view name, string_view value) {
  return json::quote(name) + ": " + json::quote_ascii(value);
}

std::string text_of(const RecordedFile& file) {
  std::string line = "{" + member("path", file.path) + ", " + member("kind", word_of(kRoles, file.role));
  if (!file.sha256.empty()) line += ", " + member("sha256", file.sha256);
  if (!file.target.empty()) line += ", " + member("target", file.target);
  if (file.before) line += ", " + member("before", *file.before);
  return line + "}";
}

}  // namespace

const Entry* Record::find(string_view engine, string_view handler) const {
  for (const Entry& entry : entries) {
    if (entry.engine == engine && entry.handler == handler) return &entry;
  }
  return nullptr;
}

void Record::put(Entry entry) {
  remove(entry.engine, entry.handler);
  entries.push_back(std::move(entry));
}

void Record::remove(string_view engine, string_view handler) {
  std::erase_if(entries,
                [&](const Entry& entry) { return entry.engine == engine && entry.handler == handler; });
}

Result<Record> parse_record(string_view text) {
  return Reader(text).read();
}

std::string text_of(const Record& record) {
  std::string text = "{\n  \"version\": 1,\n  \"entries\": [";
  for (const Entry& entry : record.entries) {
    text += &entry == record.entries.data() ? "\n    {" : ",\n    {";
    text += member("engine", entry.engine) + ", " + member("handler", entry.handler) + ",\n     " +
            member("program", entry.program) + ", \"default\": " + (entry.is_default ? "true" : "false") +
            ", " + member("progress", word_of(kProgress, entry.progress)) + ",\n     \"files\": [";
    for (const RecordedFile& file : entry.files) {
      text += (&file == entry.files.data() ? "\n       " : ",\n       ") + text_of(file);
    }
    text += "]}";
  }
  return text + "]\n}\n";
}

RecordedFile recorded(const std::string& path, Role role, const State& state) {
  RecordedFile file{path, role, {}, {}, {}};
  if (state.kind == State::Kind::file) file.sha256 = sha256(state.content);
  if (state.kind == State::Kind::link) file.target = state.content;
  return file;
}

bool is_as_recorded(const RecordedFile& file, const State& state) {
  switch (file.role) {
    case Role::directory: return state.kind == State::Kind::directory;
    case Role::link: return state.kind == State::Kind::link && state.content == file.target;
    case Role::program:
    case Role::configuration: return state.kind == State::Kind::file && sha256(state.content) == file.sha256;
  }
  return false;
}

}  // namespace runi
