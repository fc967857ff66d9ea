#include "runictl/show/json.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace runi {

struct Json::Value {
  nlohmann::ordered_json json;
};

Json::Json(Value value) : value_(std::make_unique<Value>(std::move(value))) {}

Json::Json(std::nullptr_t) : Json(Value{}) {}
Json::Json(bool value) : Json(Value{value}) {}
Json::Json(std::int64_t value) : Json(Value{value}) {}
Json::Json(std::string_view value) : Json(Value{value}) {}

Json Json::array() {
  return Json(Value{nlohmann::ordered_json::array()});
}

Json Json::array(const std::vector<std::string>& texts) {
  return Json(Value{texts});
}

Json Json::object() {
  return Json(Value{nlohmann::ordered_json::object()});
}

Json Json::known(std::string_view text) {
  return text.empty() ? Json() : Json(text);
}

Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

void Json::add(Json element) {
  value_->json.push_back(std::move(element.value_->json));
}

void Json::add(std::string_view name, Json value) {
  value_->json.emplace(std::string(name), std::move(value.value_->json));
}

std::string Json::printed(int indent) const {
  return value_->json.dump(indent, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

std::string Json::lines() const {
  return printed(2) + "\n";
}

std::string Json::line() const {
  // Line feeds stand between values only: in a string they are escaped.
  std::string text = printed(0);
  std::erase(text, '\n');
  return text + "\n";
}

}  // namespace runi
