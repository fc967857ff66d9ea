// JSON for programs: values to build and print. Hides the library that prints them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// One value: null, true or false, a number, a string, an array, or an object, whose members keep the order in
// which they were added.
class Json {
 public:
  Json(std::nullptr_t value = nullptr);
  Json(bool value);
  Json(std::int64_t value);
  Json(std::integral auto value) : Json(static_cast<std::int64_t>(value)) {}
  Json(std::string_view value);
  Json(const std::convertible_to<std::string_view> auto& value) : Json(std::string_view(value)) {}
  // Null where it is empty.
  template <typename Type>
  Json(const std::optional<Type>& value) : Json(value ? Json(*value) : Json()) {}

  [[nodiscard]] static Json array();
  [[nodiscard]] static Json array(const std::vector<std::string>& texts);
  [[nodiscard]] static Json object();

  // The text; null where it is empty.
  [[nodiscard]] static Json known(std::string_view text);

  Json(Json&& other) noexcept;
  Json& operator=(Json&& other) noexcept;
  ~Json();

  // Puts an element at the end of an array.
  void add(Json element);

  // Puts a member at the end of an object, which has none of that name yet.
  void add(std::string_view name, Json value);

  // A line for each value, indented by two blanks; or all on one line. Both are printable ASCII with a line
  // feed at the end: other characters are escaped, and bytes that are not UTF-8 become U+FFFD.
  [[nodiscard]] std::string lines() const;
  [[nodiscard]] std::string line() const;

 private:
  struct Value;
  explicit Json(Value value);
  [[nodiscard]] std::string printed(int indent) const;

  std::unique_ptr<Value> value_;
};

}  // namespace runi
