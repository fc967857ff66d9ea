#include "core/edit.h"

#include <algorithm>

namespace runi {
namespace {

using json::Kind;
using json::Value;

constexpr std::string_view kArgs = "/process/args/0";
constexpr std::string_view kMounts = "/mounts";
constexpr std::string_view kLastMount = "/mounts/-";
constexpr std::string_view kAnnotations = "/annotations";
constexpr std::string_view kAnnotation = "/annotations/runi.dev~1injected";  // kInjectedAnnotation, escaped

bool is_null(const Value* value) {
  return value != nullptr && value->kind == Kind::null;
}

Splice insert_first(std::string_view pointer, const Value& container, const std::string& items) {
  const std::size_t at = container.begin + 1;
  return {pointer, at, at, container.empty ? items : items + ","};
}

Splice append_last(std::string_view pointer, const Value& array, const std::string& item) {
  const Value* last = nullptr;
  for (const Value& child : array.children()) last = &child;
  if (last == nullptr) return insert_first(pointer, array, item);
  return {pointer, last->end, last->end, "," + item};
}

Splice replace(std::string_view pointer, const Value& value, std::string text) {
  return {pointer, value.begin, value.end, std::move(text)};
}

Splice splice_args(const Spec& spec, const Injection& injection) {
  std::string items;
  for (const std::string& argument : injection.arguments) {
    items += (items.empty() ? "" : ",") + json::quote(argument);
  }
  return insert_first(kArgs, *spec.args_value, items);
}

Splice splice_mounts(const Spec& spec, std::string_view target, std::string_view init_path) {
  const std::string mount = R"({"destination":)" + json::quote(target) + R"(,"type":"bind","source":)" +
                            json::quote(init_path) +
                            R"(,"options":["bind","ro","nosuid","nodev","rprivate"]})";
  if (spec.mounts_value == nullptr) {
    return insert_first(kMounts, spec.document.root(), R"("mounts":[)" + mount + "]");
  }
  if (is_null(spec.mounts_value)) return replace(kMounts, *spec.mounts_value, "[" + mount + "]");
  return append_last(kLastMount, *spec.mounts_value, mount);
}

Splice splice_annotations(const Spec& spec, std::string_view version) {
  const std::string value = json::quote(version);
  const std::string member = json::quote(kInjectedAnnotation) + ":" + value;
  if (spec.annotations_value == nullptr) {
    return insert_first(kAnnotations, spec.document.root(), R"("annotations":{)" + member + "}");
  }
  if (is_null(spec.annotations_value)) {
    return replace(kAnnotations, *spec.annotations_value, "{" + member + "}");
  }
  for (const Value& annotation : spec.annotations_value->children()) {
    // A container that only claims to have been here before: two members of one name would be worse.
    if (annotation.key == kInjectedAnnotation) return replace(kAnnotation, annotation, value);
  }
  return insert_first(kAnnotation, *spec.annotations_value, member);
}

}  // namespace

std::vector<Splice> splices_of(const Spec& spec, const Injection& injection, std::string_view init_path,
                               std::string_view version) {
  std::vector<Splice> splices = {splice_args(spec, injection),
                                 splice_mounts(spec, injection.target, init_path),
                                 splice_annotations(spec, version)};
  // Two at one place, mounts and annotations at the start of an object that had neither, keep this order.
  std::stable_sort(splices.begin(), splices.end(),
                   [](const Splice& a, const Splice& b) { return a.begin < b.begin; });
  return splices;
}

std::string inject(std::string_view bytes, const Spec& spec, const Injection& injection,
                   std::string_view init_path, std::string_view version) {
  const std::vector<Splice> splices = splices_of(spec, injection, init_path, version);
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
