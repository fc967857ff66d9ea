// JSON as bytes with places: a tree whose every value knows where it stands in the text it was read from.
// Hides the JSON library.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

// "a string", "an object": for messages.
[[nodiscard]] std::string_view name_of(Kind kind);

struct Value;

// The direct children of an array or an object, in the order of the text.
class Children {
 public:
  class Iterator {
   public:
    explicit Iterator(const Value* at) : at_(at) {}
    const Value& operator*() const { return *at_; }
    Iterator& operator++();
    bool operator==(const Iterator&) const = default;

   private:
    const Value* at_;
  };

  Children(const Value* first, const Value* last) : first_(first), last_(last) {}
  [[nodiscard]] Iterator begin() const { return Iterator(first_); }
  [[nodiscard]] Iterator end() const { return Iterator(last_); }
  [[nodiscard]] bool empty() const { return first_ == last_; }

 private:
  const Value* first_;
  const Value* last_;
};

// One value. Its views live as long as the bytes that were parsed and the Document both do.
struct Value {
  Kind kind = Kind::null;
  bool empty = true;            // an array or object without anything in it, in the text
  std::uint32_t tree_size = 1;  // values in this subtree, itself included; the children follow it in memory
  std::uint32_t begin = 0;      // [begin, end) in the text; meaningless where comments are allowed
  std::uint32_t end = 0;
  std::string_view key;   // the member's name, decoded; empty for elements of arrays and for the root
  std::string_view text;  // a string decoded; the words "true" and "false"; a number as it was written

  [[nodiscard]] Children children() const { return {this + 1, this + tree_size}; }
};

inline Children::Iterator& Children::Iterator::operator++() {
  at_ += at_->tree_size;
  return *this;
}

enum class Comments { refused, allowed };

// A member of an object that is read, and what of its value is. All else in the text is checked and then
// forgotten: memory is for what somebody asks for, whatever else a stranger has written.
struct Wanted {
  std::string_view name;
  std::span<const Wanted> members = {};  // of an object, or of each object in an array
  bool elements =
      false;  // where no members are named: of an array or object the values in it, but nothing below
};

class Document {
 public:
  // Reads one JSON text (RFC 8259, UTF-8); the bytes must outlive the Document.
  // Errors: the place (line, column) and the cause. Nothing recurses; nesting deeper than 10,000 is refused,
  // as Go does.
  static Result<Document> parse(std::string_view bytes, Comments comments);

  // The same, but of a top-level object only what is wanted stays, and all names that `alike` takes for
  // those.
  static Result<Document> parse(std::string_view bytes, std::span<const Wanted> wanted,
                                bool (*alike)(std::string_view name, std::string_view wanted));

  [[nodiscard]] const Value& root() const { return values_.front(); }

  // The first string or name that has a NUL in it, which only an escape can put there.
  [[nodiscard]] std::optional<std::string_view> with_nul() const { return with_nul_; }

 private:
  friend class Builder;
  static Result<Document> read(std::string_view bytes, Comments comments, std::span<const Wanted> wanted,
                               bool (*alike)(std::string_view name, std::string_view wanted));
  std::vector<Value> values_;                 // in the order of the text, parents before their children
  std::forward_list<std::string> unescaped_;  // strings that are not what they look like in the text
  std::optional<std::string_view> with_nul_;
};

// `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string quote(std::string_view text);

// The same in printable ASCII: everything else is escaped, DEL too.
[[nodiscard]] std::string quote_ascii(std::string_view text);

// As quote_ascii, and cut short where `text` is long: for messages that quote what a stranger wrote.
[[nodiscard]] std::string cite(std::string_view text);

// As quote_ascii, without quotes, and nothing that is printable ASCII escaped: what is cited already stays
// so. Of more than max_bytes the beginning and "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes);

// `key` as a token of a JSON pointer (RFC 6901) in a message: otherwise as cite, without quotes.
[[nodiscard]] std::string cite_token(std::string_view key);

}  // namespace runi::json
