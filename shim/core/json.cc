#include "core/json.h"

#include <nlohmann/json.hpp>

#include <bit>
#include <cstring>

namespace runi::json {
namespace {

constexpr std::uint64_t every_byte(unsigned char byte) {
  return 0x0101'0101'0101'0101U * byte;
}

// Sets the highest bit of each byte that is zero, and perhaps of others above the lowest of those.
constexpr std::uint64_t zeros_of(std::uint64_t word) {
  return (word - every_byte(1)) & ~word & every_byte(0x80);
}

bool is_plain(char c) {
  return c >= ' ' && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\';
}

// The first byte in [at, end) that is a quote or needs a reader's care: a backslash, a control character,
// anything outside ASCII. `end` where there is none.
const char* skip_plain(const char* at, const char* end) {
  for (; std::endian::native == std::endian::little && end - at >= 8; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    const std::uint64_t controls = (word - every_byte(' ')) & ~word & every_byte(0x80);
    const std::uint64_t special = controls | (word & every_byte(0x80)) | zeros_of(word ^ every_byte('"')) |
                                  zeros_of(word ^ every_byte('\\'));
    if (special != 0) return at + std::countr_zero(special) / 8;
  }
  while (at != end && is_plain(*at)) ++at;
  return at;
}

// Whether the library reads each byte of the text, or of a string of plain characters only the quotes: most
// of a config.json is such strings, and the library takes some forty instructions a byte. The places in its
// errors hold for `bytes` alone.
enum class Show : std::uint8_t { bytes, tokens };

// An input iterator that tells how far the library has read: its events come without places.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char* end, Show show, const char** read_up_to)
      : at_(at), end_(end), string_end_(show == Show::tokens ? at : end), read_up_to_(read_up_to) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    const char* read = at_++;
    if (*read == '"' && read >= string_end_) enter_string();
    *read_up_to_ = at_;
    return *this;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  // Behind the first quote.
  void enter_string() {
    const char* plain_end = skip_plain(at_, end_);
    if (plain_end != end_ && *plain_end == '"') {
      at_ = plain_end;
      string_end_ = plain_end + 1;
      return;
    }
    string_end_ = plain_end;
    while (string_end_ != end_ && *string_end_ != '"') {
      string_end_ += *string_end_ == '\\' && end_ - string_end_ > 1 ? 2 : 1;
    }
    if (string_end_ != end_) ++string_end_;
  }

  const char* at_;
  const char* end_;
  const char* string_end_;  // of the string that is being read, or was read last; quotes before it begin none
  const char** read_up_to_;
};

// What Go's encoding/json, and so runc, allows.
constexpr std::size_t kMaxDepth = 10'000;

// Places are 32 bits wide.
constexpr std::size_t kMostBytes = 0xFFFF'FFFF;

// How many values may be wanted of a text. No container that can start has so many: execve(2) takes less than
// a million words, and no more than 100,000 mounts (proc(5), mount-max) can be made.
constexpr std::size_t kMostWanted = 500'000;

bool separates(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
}

// Messages quote no more than so many bytes of a stranger's.
constexpr std::size_t kMostCited = 80;

constexpr std::size_t kLongestFailure = 800;

// Without half a character of UTF-8 at its end.
std::string cut_short(std::string_view text) {
  if (text.size() <= kMostCited) return std::string(text);
  std::size_t end = kMostCited;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

// Turns the library's events into the tree. Their names and types are nlohmann::json_sax's.
class Builder {
 public:
  using Alike = bool (*)(std::string_view name, std::string_view wanted);

  // Without `alike` everything stays.
  Builder(std::string_view bytes, Show show, std::span<const Wanted> wanted, Alike alike)
      : bytes_(bytes),
        show_(show),
        may_have_nul_(bytes.find(kNul) != std::string_view::npos),
        read_up_to_(bytes.data()),
        alike_(alike),
        next_{alike == nullptr ? Keep::all : Keep::members, wanted} {
    document_.values_.reserve(bytes.size() / (alike == nullptr ? 24 : 48) + 8);
  }

  const char** read_up_to() { return &read_up_to_; }
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(read_up_to_ - bytes_.data()); }
  Document take_document() { return std::move(document_); }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] bool is_json() const { return alike_ != nullptr && document_.values_.size() > kMostWanted; }

  bool null() { return add(Kind::null, 0, nullptr); }
  bool boolean(bool /*value*/) { return add(Kind::boolean, 0, nullptr); }
  bool number_integer(std::int64_t /*value*/) { return add_number(); }
  bool number_unsigned(std::uint64_t /*value*/) { return add_number(); }
  bool number_float(double /*value*/, const std::string& /*text*/) { return add_number(); }
  bool string(std::string& value) {
    look_for_nul(value);
    return add(Kind::string, 0, &value);
  }
  bool binary(std::vector<std::uint8_t>& /*value*/) { return false; }  // not in JSON text

  bool key(std::string& name) {
    look_for_nul(name);
    if (skipping_ != 0) return true;
    const std::size_t begin = next_begin();
    last_end_ = offset();
    next_ = of_member(open_.back().scope, name.empty() ? between_quotes(begin, last_end_) : name);
    if (next_.keep != Keep::nothing) key_ = decoded(begin, last_end_, name);
    return true;
  }

  bool start_object(std::size_t /*size*/) { return open(Kind::object); }
  bool start_array(std::size_t /*size*/) { return open(Kind::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  template <typename Exception>
  bool parse_error(std::size_t position, const std::string& last_token, const Exception& error) {
    failure_ = error.what();
    if (const auto at = failure_.find(last_token); at != std::string::npos) {
      failure_.replace(at, last_token.size(), cut_short(last_token));
    }
    // The library's own tag, "[json.exception.parse_error.101] ", tells a user nothing.
    if (const auto tag_end = failure_.find("] "); failure_.starts_with('[') && tag_end != std::string::npos) {
      failure_.erase(0, tag_end + 2);
    }
    // It tells no place of a number that is too large.
    if (!failure_.starts_with("parse error at ")) failure_ += " at byte " + std::to_string(position);
    failure_ = printable(failure_, kLongestFailure);
    return false;
  }

 private:
  // What becomes of a value.
  enum class Keep : std::uint8_t {
    all,       // it stays, with everything below
    members,   // of an object the members that are wanted, of an array the values, and of those again
    elements,  // it stays, with the values in it
    itself,    // it stays, and nothing below
    nothing,
  };
  struct Scope {
    Keep keep = Keep::all;
    std::span<const Wanted> wanted;
  };
  struct Open {
    std::size_t index;
    Scope scope;
    bool is_object;
  };

  Scope of_member(const Scope& object, std::string_view name) const {
    switch (object.keep) {
      case Keep::all: return {Keep::all, {}};
      case Keep::elements: return {Keep::itself, {}};
      case Keep::members: break;
      case Keep::itself:
      case Keep::nothing: return {Keep::nothing, {}};
    }
    for (const Wanted& wanted : object.wanted) {
      if (!alike_(name, wanted.name)) continue;
      if (!wanted.members.empty()) return {Keep::members, wanted.members};
      return {wanted.elements ? Keep::elements : Keep::itself, {}};
    }
    return {Keep::nothing, {}};
  }

  // What becomes of the next value, of the given kind.
  Scope take_scope(Kind kind) {
    if (open_.empty()) {
      return next_.keep == Keep::members && kind != Kind::object ? Scope{Keep::itself, {}} : next_;
    }
    if (open_.back().is_object) return next_;
    const Scope& array = open_.back().scope;
    switch (array.keep) {
      case Keep::all: return array;
      case Keep::members: return kind == Kind::object ? array : Scope{Keep::itself, {}};
      case Keep::elements: return {Keep::itself, {}};
      case Keep::itself:
      case Keep::nothing: break;
    }
    return {Keep::nothing, {}};
  }

  // Between the end of one token and the beginning of the next stand only blanks, a comma or a colon.
  std::size_t next_begin() {
    std::size_t at = last_end_;
    while (at < bytes_.size() && separates(bytes_[at])) ++at;
    return at;
  }

  [[nodiscard]] std::string_view between_quotes(std::size_t begin, std::size_t end) const {
    return end >= begin + 2 ? bytes_.substr(begin + 1, end - begin - 2) : "";
  }

  // `value` is also empty where the library was shown nothing but the quotes; no escape decodes to nothing.
  std::string_view decoded(std::size_t begin, std::size_t end, std::string& value) {
    const std::string_view raw = between_quotes(begin, end);
    if (raw == value || (show_ == Show::tokens && value.empty())) return raw;
    return document_.unescaped_.emplace_front(std::move(value));
  }

  // In what is not kept, too.
  void look_for_nul(const std::string& text) {
    if (!may_have_nul_ || document_.with_nul_ || text.find('\0') == std::string::npos) return;
    document_.with_nul_ = document_.unescaped_.emplace_front(text);
  }

  // `overread`: how many bytes past the value the library has already looked at.
  bool add(Kind kind, std::size_t overread, std::string* string) {
    if (skipping_ != 0) return true;
    if (take_scope(kind).keep != Keep::nothing) {
      return append(kind, overread, string);
    }
    document_.values_[open_.back().index].empty = false;
    last_end_ = offset() - overread;
    return true;
  }

  bool append(Kind kind, std::size_t overread, std::string* string) {
    const std::size_t begin = next_begin();
    last_end_ = offset() - overread;
    const std::string_view text =
        string != nullptr ? decoded(begin, last_end_, *string) : bytes_.substr(begin, last_end_ - begin);
    if (!open_.empty()) document_.values_[open_.back().index].empty = false;
    document_.values_.push_back({kind, true, 1, static_cast<std::uint32_t>(begin),
                                 static_cast<std::uint32_t>(last_end_), std::exchange(key_, {}), text});
    if (alike_ == nullptr || document_.values_.size() <= kMostWanted) return true;
    failure_ = "more than " + std::to_string(kMostWanted) + " values to look at";
    return false;
  }

  // A number ends where something else begins: one byte further, unless the text ends with it.
  bool add_number() {
    if (skipping_ != 0) return true;
    const bool at_end = offset() == bytes_.size() && bytes_.back() >= '0' && bytes_.back() <= '9';
    return add(Kind::number, at_end ? 0 : 1, nullptr);
  }

  bool open(Kind kind) {
    if (open_.size() + skipping_ == kMaxDepth) {
      failure_ = "nested deeper than " + std::to_string(kMaxDepth) + " at byte " + std::to_string(offset());
      return false;
    }
    if (skipping_ != 0) {
      ++skipping_;
      return true;
    }
    const Scope scope = take_scope(kind);
    if (scope.keep == Keep::nothing) {
      document_.values_[open_.back().index].empty = false;
      skipping_ = 1;
      return true;
    }
    const std::size_t index = document_.values_.size();
    if (!append(kind, 0, nullptr)) return false;
    open_.push_back({index, scope, kind == Kind::object});
    return true;
  }

  bool close() {
    last_end_ = offset();
    if (skipping_ != 0) {
      --skipping_;
      return true;
    }
    Value& value = document_.values_[open_.back().index];
    value.end = static_cast<std::uint32_t>(last_end_);
    value.text = {};
    value.tree_size = static_cast<std::uint32_t>(document_.values_.size() - open_.back().index);
    open_.pop_back();
    return true;
  }

  static constexpr std::string_view kNul = "\\u0000";

  std::string_view bytes_;
  Show show_;
  bool may_have_nul_;
  const char* read_up_to_;
  std::size_t last_end_ = 0;
  std::string_view key_;
  std::vector<Open> open_;    // the arrays and objects that are kept and not closed yet
  std::size_t skipping_ = 0;  // how many arrays and objects deep the reader is in what is not kept
  Alike alike_ = nullptr;
  Scope next_;  // of the member whose name was read last
  Document document_;
  std::string failure_;
};

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::null: return "null";
    case Kind::boolean: return "a boolean";
    case Kind::number: return "a number";
    case Kind::string: return "a string";
    case Kind::array: return "an array";
    case Kind::object: return "an object";
  }
  return "something else";
}

Result<Document> Document::read(std::string_view bytes, Comments comments, std::span<const Wanted> wanted,
                                bool (*alike)(std::string_view name, std::string_view wanted)) {
  // The library takes a NUL for the end of the text and skips a byte order mark; neither is JSON.
  if (const auto nul = bytes.find('\0'); nul != std::string_view::npos) {
    return Error{"not JSON: a NUL at byte " + std::to_string(nul)};
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) return Error{"not JSON: it starts with a byte order mark"};
  if (bytes.size() > kMostBytes) return Error{"larger than " + std::to_string(kMostBytes) + " bytes"};

  const auto parse = [&](Show show) -> Result<Document> {
    Builder builder(bytes, show, wanted, alike);
    const char* end = bytes.data() + bytes.size();
    const bool parsed = nlohmann::json::sax_parse(
        Cursor(bytes.data(), end, show, builder.read_up_to()), Cursor(end, end, show, builder.read_up_to()),
        &builder, nlohmann::json::input_format_t::json, /*strict=*/true, comments == Comments::allowed);
    if (parsed) return builder.take_document();
    return Error{(builder.is_json() ? "" : "not JSON: ") + builder.failure()};
  };
  // In a comment a quote begins no string.
  if (comments == Comments::refused) {
    if (auto document = parse(Show::tokens)) return document;
  }
  return parse(Show::bytes);
}

Result<Document> Document::parse(std::string_view bytes, Comments comments) {
  return read(bytes, comments, {}, nullptr);
}

Result<Document> Document::parse(std::string_view bytes, std::span<const Wanted> wanted,
                                 bool (*alike)(std::string_view name, std::string_view wanted)) {
  return read(bytes, Comments::refused, wanted, alike);
}

std::string quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string quote_ascii(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string cite(std::string_view text) {
  const std::string quoted = quote_ascii(text.substr(0, kMostCited));
  return text.size() > kMostCited ? quoted + "..." : quoted;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
  std::string line;
  while (!text.empty() && line.size() <= max_bytes) {
    const bool plain = is_plain(text.front());
    // No more at once than could be of use.
    std::size_t end = 0;
    while (end < text.size() && end <= max_bytes && is_plain(text[end]) == plain) ++end;
    if (plain) {
      line += text.substr(0, end);
    } else {
      const std::string quoted = quote_ascii(text.substr(0, end));
      line.append(quoted, 1, quoted.size() - 2);
    }
    text.remove_prefix(end);
  }
  if (!text.empty() || line.size() > max_bytes) {
    line.resize(std::min(line.size(), max_bytes));
    line += "...";
  }
  return line;
}

std::string cite_token(std::string_view key) {
  std::string escaped;
  for (const char c : key.substr(0, kMostCited + 1)) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  std::string cited = cite(escaped);
  cited.erase(cited.rfind('"'), 1);
  return cited.substr(1);
}

}  // namespace runi::json
