#include "runictl/engines/docker_edit.h"

#include "core/json.h"
#include "runictl/engines/judge.h"

#include <algorithm>
#include <variant>

namespace runi {
namespace {

using json::Kind;
using json::Value;
using std::string_view;

constexpr string_view kRuntimes = "runtimes";

std::string entry_of(const HandlerWanted& wanted) {
  return json::quote(wanted.name) + ": {\"path\": " + json::quote(wanted.program) + "}";
}

// Where the file names no runtimes.
std::string member_of(const HandlerWanted& wanted) {
  return "\"runtimes\": {" + entry_of(wanted) + "}";
}

// Where its runtimes are {}: not what member_of() makes of a file without them.
std::string lone_entry_of(const HandlerWanted& wanted) {
  return json::quote(wanted.name) + ":{\"path\":" + json::quote(wanted.program) + "}";
}

std::string default_of(const HandlerWanted& wanted) {
  return "\"default-runtime\": " + json::quote(wanted.name);
}

// The whole of a file that was not there.
std::string whole_file_of(const HandlerWanted& wanted) {
  return "{\n  " + (wanted.is_default ? default_of(wanted) + ",\n  " : "") + member_of(wanted) + "\n}\n";
}

std::string lower(string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return small;
}

string_view space_at(string_view text, std::size_t at) {
  return text.substr(at, std::min(text.find_first_not_of(" \t\r\n", at), text.size()) - at);
}

// `member` as the first of an object, spaced as the one that was the first.
std::string insert_first(string_view text, const Value& object, const std::string& member) {
  const std::size_t at = object.begin + 1;
  std::string inserted = member;
  if (!object.empty) inserted = std::string(space_at(text, at)) + member + ",";
  return std::string(text.substr(0, at)) + inserted + std::string(text.substr(at));
}

// The text without what insert_first() put there; empty where that is not how it stands. `end` is that of the
// member's value.
std::optional<std::string> without_first(string_view text, const Value& object, const std::string& member,
                                         std::size_t end) {
  const std::size_t open = object.begin + 1;
  if (end < member.size() || text.substr(end - member.size(), member.size()) != member) return std::nullopt;
  const string_view before = text.substr(open, end - member.size() - open);
  const bool only = text.substr(end).find_first_not_of(" \t\r\n") == text.substr(end).find('}');
  if (!only && (!text.substr(end).starts_with(',') || space_at(text, end + 1) != before)) return std::nullopt;
  // One that has become the only one keeps the space of those that were there.
  if (before != space_at(text, open)) return std::nullopt;
  return std::string(text.substr(0, open)) + std::string(text.substr(only ? end : end + 1));
}

class Daemon {
 public:
  Daemon(const ConfigFile& file, const HandlerWanted& wanted) : file_(file), wanted_(wanted) {}

  Edit add() {
    if (auto refusal = find()) return *refusal;
    if (wanted_.is_default && default_ != nullptr && !runs_by_default()) {
      return Refusal{place_of(*default_), "default-runtime is set here, and a person has to change it",
                     "install without --set-default, and then write " + default_of(wanted_) + " there"};
    }
    std::string text = file_.text;
    if (entry_ == nullptr) {
      if (runtimes_ == nullptr) {
        text = insert_first(text, *root_, member_of(wanted_));
      } else {
        text = insert_first(text, *runtimes_, runtimes_->empty ? lone_entry_of(wanted_) : entry_of(wanted_));
      }
    } else if (const string_view spelt = string_view(text).substr(0, entry_->end);
               !spelt.ends_with(entry_of(wanted_)) && !spelt.ends_with(lone_entry_of(wanted_))) {
      return Refusal{place_of(*entry_),
                     "there is a runtime " + quoted(wanted_.name) + " that runictl has not added",
                     "remove it, or choose another name"};
    }
    if (wanted_.is_default && default_ == nullptr) {
      Value object = *root_;  // begins where it did, and has a runtime now
      object.empty = false;
      text = insert_first(text, object, default_of(wanted_));
    }
    if (text == file_.text) return Unchanged{};
    return write(std::move(text));
  }

  Edit remove() {
    if (file_.text == whole_file_of(wanted_)) return RemoveFile{file_.path};
    if (auto refusal = find()) return *refusal;
    if (entry_ == nullptr) return Unchanged{};
    if (wanted_.is_default && default_ != nullptr) {
      if (auto rest = without_first(file_.text, *root_, default_of(wanted_), default_->end)) {
        const ConfigFile less = {file_.path, std::move(*rest)};
        return Daemon(less, {wanted_.name, wanted_.program, {}}).remove();
      }
    }
    if (runs_by_default()) {
      return Refusal{place_of(*entry_), "default-runtime is " + quoted(wanted_.name),
                     "choose another default-runtime first"};
    }
    auto rest = without_first(file_.text, *root_, member_of(wanted_), runtimes_->end);
    if (!rest) rest = without_first(file_.text, *runtimes_, entry_of(wanted_), entry_->end);
    if (!rest) rest = without_first(file_.text, *runtimes_, lone_entry_of(wanted_), entry_->end);
    if (rest) return write(std::move(*rest));
    return Refusal{place_of(*entry_),
                   "the runtime " + quoted(wanted_.name) + " is not as runictl has added it",
                   "remove it by hand, and reload Docker"};
  }

 private:
  [[nodiscard]] Edit write(std::string text) const { return WriteFile{file_.path, std::move(text), false}; }

  [[nodiscard]] std::string place_of(const Value& value) const {
    const string_view before = string_view(file_.text).substr(0, value.begin);
    return file_.path + ":" + std::to_string(std::count(before.begin(), before.end(), '\n') + 1);
  }

  // The runtimes, and ours among them. Go, which reads the file, takes names in any case.
  std::optional<Refusal> find() {
    if (auto refusal = refusal_of(wanted_)) return refusal;
    auto parsed = json::Document::parse(file_.text, json::Comments::refused);
    if (!parsed) return invalid_file(file_.path, "JSON", parsed.error().what);
    document_.emplace(std::move(*parsed));
    root_ = &document_->root();
    if (root_->kind != Kind::object) {
      return Refusal{place_of(*root_), "the file is not an object", "write {} around its settings"};
    }
    for (const Value& member : root_->children()) {
      if (lower(member.key) == "default-runtime") default_ = &member;
      if (lower(member.key) != kRuntimes) continue;
      if (member.key != kRuntimes || runtimes_ != nullptr || member.kind != Kind::object) {
        return Refusal{place_of(member), "\"runtimes\" is not one object of that name",
                       "name all runtimes in one object \"runtimes\""};
      }
      runtimes_ = &member;
    }
    if (runtimes_ == nullptr) return std::nullopt;
    for (const Value& entry : runtimes_->children()) {
      if (entry.key == wanted_.name) entry_ = &entry;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool runs_by_default() const {
    return default_ != nullptr && default_->kind == Kind::string && default_->text == wanted_.name;
  }

  const ConfigFile& file_;
  const HandlerWanted& wanted_;
  std::optional<json::Document> document_;
  const Value* root_ = nullptr;
  const Value* runtimes_ = nullptr;
  const Value* entry_ = nullptr;
  const Value* default_ = nullptr;
};

}  // namespace

Edit add_to_docker(const std::optional<ConfigFile>& file, const std::string& path,
                   const HandlerWanted& wanted) {
  if (file) return Daemon(*file, wanted).add();
  if (auto refusal = refusal_of(wanted)) return *refusal;
  return WriteFile{path, whole_file_of(wanted), true};
}

Edit remove_from_docker(const ConfigFile& file, const HandlerWanted& wanted) {
  return Daemon(file, wanted).remove();
}

}  // namespace runi
