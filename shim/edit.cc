#include "edit.h"

#include <algorithm>

namespace runi {
namespace {

using json::Kind;
using json::Value;

// Puts `text` where bytes [begin, end) were.
struct Splice {
  std::size_t begin;
  std::size_t end;
  std::string text;
};

bool is_null(const Value* value) {
  return value != nullptr && value->kind == Kind::null;
}

Splice insert_first(const Value& container, const std::string& items) {
  const std::size_t at = container.begin + 1;
  return {at, at, container.children().empty() ? items : items + ","};
}

Splice append_last(const Value& array, const std::string& item) {
  const Value* last = nullptr;
  for (const Value& child : array.children()) last = &child;
  if (last == nullptr) return insert_first(array, item);
  return {last->end, last->end, "," + item};
}

Splice replace(const Value& value, std::string text) {
  return {value.begin, value.end, std::move(text)};
}

Splice splice_args(const Spec& spec, const Injection& injection) {
  std::string items;
  for (const std::string& argument : injection.arguments) {
    items += (items.empty() ? "" : ",") + json::quote(argument);
  }
  return insert_first(*spec.args_value, items);
}

Splice splice_mounts(const Spec& spec, std::string_view target, std::string_view init_path) {
  const std::string mount = R"({"destination":)" + json::quote(target) + R"(,"type":"bind","source":)" +
                            json::quote(init_path) +
                            R"(,"options":["bind","ro","nosuid","nodev","rprivate"]})";
  if (spec.mounts_value == nullptr) {
    return insert_first(spec.document.root(), R"("mounts":[)" + mount + "]");
  }
  if (is_null(spec.mounts_value)) return replace(*spec.mounts_value, "[" + mount + "]");
  return append_last(*spec.mounts_value, mount);
}

Splice splice_annotations(const Spec& spec, std::string_view version) {
  const std::string value = json::quote(version);
  const std::string member = json::quote(kInjectedAnnotation) + ":" + value;
  if (spec.annotations_value == nullptr) {
    return insert_first(spec.document.root(), R"("annotations":{)" + member + "}");
  }
  if (is_null(spec.annotations_value)) return replace(*spec.annotations_value, "{" + member + "}");
  for (const Value& annotation : spec.annotations_value->children()) {
    // A container that only claims to have been here before: two members of one name would be worse.
    if (annotation.key == kInjectedAnnotation) return replace(annotation, value);
  }
  return insert_first(*spec.annotations_value, member);
}

}  // namespace

std::string inject(std::string_view bytes, const Spec& spec, const Injection& injection,
                   std::string_view init_path, std::string_view version) {
  std::vector<Splice> splices = {splice_args(spec, injection),
                                 splice_mounts(spec, injection.target, init_path),
                                 splice_annotations(spec, version)};
  // Two at one place, mounts and annotations at the start of an object that had neither, keep this order.
  std::stable_sort(splices.begin(), splices.end(),
                   [](const Splice& a, const Splice& b) { return a.begin < b.begin; });
  std::size_t size = bytes.size();
  for (const Splice& splice : splices) size += splice.text.size();
  std::string edited;
  edited.reserve(size);
  std::size_t copied_to = 0;
  for (const Splice& splice : splices) {
    edited += bytes.substr(copied_to, splice.begin - copied_to);
    edited += splice.text;
    copied_to = splice.end;
  }
  edited += bytes.substr(copied_to);
  return edited;
}

}  // namespace runi
