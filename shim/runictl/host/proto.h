// Protocol Buffers' wire format (protobuf.dev, "Encoding"), for messages of a few fields: bytes to fields and
// back. Whoever calls knows the messages; only numbers and texts are known here.
#pragma once

#include "core/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runi::proto {

// Builds a message, one field after the other. Numbers that are 0 and texts that are empty are left out, as
// the readers of proto3 expect.
class Writer {
 public:
  Writer& text(std::uint32_t field, std::string_view value);
  Writer& number(std::uint32_t field, std::uint64_t value);
  Writer& message(std::uint32_t field, const Writer& value);  // also where it is empty

  // An element of a map from texts to texts.
  Writer& entry(std::uint32_t field, std::string_view key, std::string_view value);

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void put_varint(std::uint64_t value);
  void put_bytes(std::uint32_t field, std::string_view value);

  std::string bytes_;
};

// A message that was read. Its views live as long as the bytes. Fields that nobody asks for may be there, and
// one that is of another type than what is asked for is not there.
class Message {
 public:
  // Errors: the bytes are no message, as they are cut short.
  static Result<Message> parse(std::string_view bytes);

  // Of a field that is there more than once, the last counts, as the format wants it. Where there is none: 0,
  // and the empty text.
  [[nodiscard]] std::uint64_t number(std::uint32_t field) const;
  [[nodiscard]] std::string_view text(std::uint32_t field) const;

  // Each of a repeated field: texts, or the bytes of messages.
  [[nodiscard]] std::vector<std::string_view> all(std::uint32_t field) const;

  // A message in a field; an empty one where there is none. Errors: as parse's.
  [[nodiscard]] Result<Message> message(std::uint32_t field) const { return parse(text(field)); }

 private:
  struct Field {
    std::uint32_t field = 0;
    bool is_number = false;
    std::uint64_t number = 0;
    std::string_view bytes;
  };
  std::vector<Field> fields_;
};

}  // namespace runi::proto
