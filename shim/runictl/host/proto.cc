#include "runictl/host/proto.h"

#include <cstddef>
#include <optional>

namespace runi::proto {
namespace {

// Wire types: what follows a field's number.
constexpr unsigned kVarint = 0;
constexpr unsigned kFixed64 = 1;
constexpr unsigned kLength = 2;
constexpr unsigned kFixed32 = 5;

constexpr unsigned kTypeBits = 3;
constexpr unsigned kVarintBits = 7;
constexpr unsigned kMaxShift = 63;  // ten bytes, of which the last has one bit
constexpr std::uint64_t kLastField = (1ULL << 29U) - 1;

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= kMaxShift && !bytes.empty(); shift += kVarintBits) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> take_bytes(std::string_view& bytes, std::uint64_t size) {
  if (size > bytes.size()) return std::nullopt;
  const std::string_view taken = bytes.substr(0, static_cast<std::size_t>(size));
  bytes.remove_prefix(taken.size());
  return taken;
}

}  // namespace

void Writer::put_varint(std::uint64_t value) {
  for (; value > 0x7f; value >>= kVarintBits) bytes_ += static_cast<char>((value & 0x7fU) | 0x80U);
  bytes_ += static_cast<char>(value);
}

void Writer::put_bytes(std::uint32_t field, std::string_view value) {
  put_varint((static_cast<std::uint64_t>(field) << kTypeBits) | kLength);
  put_varint(value.size());
  bytes_ += value;
}

Writer& Writer::text(std::uint32_t field, std::string_view value) {
  if (!value.empty()) put_bytes(field, value);
  return *this;
}

Writer& Writer::number(std::uint32_t field, std::uint64_t value) {
  if (value == 0) return *this;
  put_varint((static_cast<std::uint64_t>(field) << kTypeBits) | kVarint);
  put_varint(value);
  return *this;
}

Writer& Writer::message(std::uint32_t field, const Writer& value) {
  put_bytes(field, value.bytes());
  return *this;
}

Writer& Writer::entry(std::uint32_t field, std::string_view key, std::string_view value) {
  return message(field, Writer().text(1, key).text(2, value));
}

Result<Message> Message::parse(std::string_view bytes) {
  const Error broken{"not a message of Protocol Buffers"};
  Message message;
  while (!bytes.empty()) {
    const auto key = take_varint(bytes);
    if (!key) return broken;
    const std::uint64_t number = *key >> kTypeBits;
    if (number == 0 || number > kLastField) return broken;
    Field field{static_cast<std::uint32_t>(number), false, 0, {}};
    std::optional<std::uint64_t> size;
    switch (*key & ((1U << kTypeBits) - 1)) {
      case kVarint: {
        const auto value = take_varint(bytes);
        if (!value) return broken;
        field.is_number = true;
        field.number = *value;
        message.fields_.push_back(field);
        continue;
      }
      case kFixed64: size = 8; break;
      case kFixed32: size = 4; break;
      case kLength: size = take_varint(bytes); break;
      default: return broken;  // groups, which proto3 does not have
    }
    const auto value = size ? take_bytes(bytes, *size) : std::nullopt;
    if (!value) return broken;
    field.bytes = *value;
    if ((*key & ((1U << kTypeBits) - 1)) == kLength) message.fields_.push_back(field);
  }
  return message;
}

std::uint64_t Message::number(std::uint32_t field) const {
  std::uint64_t last = 0;
  for (const Field& each : fields_) {
    if (each.field == field && each.is_number) last = each.number;
  }
  return last;
}

std::string_view Message::text(std::uint32_t field) const {
  std::string_view last;
  for (const Field& each : fields_) {
    if (each.field == field && !each.is_number) last = each.bytes;
  }
  return last;
}

std::vector<std::string_view> Message::all(std::uint32_t field) const {
  std::vector<std::string_view> found;
  for (const Field& each : fields_) {
    if (each.field == field && !each.is_number) found.push_back(each.bytes);
  }
  return found;
}

}  // namespace runi::proto
