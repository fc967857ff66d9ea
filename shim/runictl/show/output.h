// JSON for programs, written value by value.
#pragma once

#include "runictl/machine/terminal.h"
#include "runictl/show/table.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace runi {

// One JSON text of printable ASCII, indented by two blanks. Calls must nest as the text does; in an object
// each value follows its key().
class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);
  void string(std::string_view value);
  void number(std::int64_t value);
  void boolean(bool value);
  void null();

  // The two together, for members.
  void string(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  void boolean(std::string_view name, bool value);

  // The whole text, with a line feed at its end.
  [[nodiscard]] std::string text() const { return text_ + "\n"; }

 private:
  void open(char bracket);
  void close(char bracket);
  void begin_value();

  std::string text_;
  std::size_t depth_ = 0;
  bool first_ = true;       // in the innermost array or object
  bool after_key_ = false;  // a value comes on the key's line
};

}  // namespace runi
