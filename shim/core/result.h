// Result<T>: a value or an Error, with the accessors of std::expected, which g++ 12 has only in C++23 mode.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace runi {

// Why something could not be done. `what` is one line, ready for the user: operand first, cause last,
// e.g. "open /run/x/config.json: Permission denied".
struct Error {
  std::string what;
};

// Puts the operand that only the caller knows in front: with_context("bundle /run/x", e).
inline Error with_context(std::string_view context, const Error& error) {
  return Error{std::string(context) + ": " + error.what};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  // Both conversions are implicit so that `return value;` and `return Error{...};` read as they should.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Only when has_value(): anything else is a bug in the caller and ends the program.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  // Only when !has_value().
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  [[nodiscard]] bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace runi
