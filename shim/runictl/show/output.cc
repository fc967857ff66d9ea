#include "runictl/show/output.h"

#include "core/json.h"

namespace runi {

void JsonWriter::begin_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  text_ += first_ ? "\n" : ",\n";
  text_.append(2 * depth_, ' ');
  first_ = false;
}

void JsonWriter::open(char bracket) {
  begin_value();
  text_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  --depth_;
  if (!first_) {
    text_ += '\n';
    text_.append(2 * depth_, ' ');
  }
  text_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  begin_value();
  text_ += json::quote_ascii(name) + ": ";
  after_key_ = true;
}

void JsonWriter::string(std::string_view value) {
  begin_value();
  text_ += json::quote_ascii(value);
}

void JsonWriter::number(std::int64_t value) {
  begin_value();
  text_ += std::to_string(value);
}

void JsonWriter::boolean(bool value) {
  begin_value();
  text_ += value ? "true" : "false";
}

void JsonWriter::null() {
  begin_value();
  text_ += "null";
}

void JsonWriter::string(std::string_view name, std::string_view value) {
  key(name);
  string(value);
}

void JsonWriter::number(std::string_view name, std::int64_t value) {
  key(name);
  number(value);
}

void JsonWriter::boolean(std::string_view name, bool value) {
  key(name);
  boolean(value);
}

}  // namespace runi
