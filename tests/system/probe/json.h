// JSON to print: each function returns a value, already written out.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

using Json = std::string;

inline Json text(const std::string& value) {
  Json out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

inline Json number(long long value) {
  return std::to_string(value);
}
inline Json boolean(bool value) {
  return value ? "true" : "false";
}

inline Json list(const std::vector<Json>& values) {
  Json out = "[";
  for (const Json& value : values) out += (out.size() > 1 ? "," : "") + value;
  return out + "]";
}

inline Json object(const std::map<std::string, Json>& members) {
  Json out = "{";
  for (const auto& [name, value] : members) out += (out.size() > 1 ? ",\n" : "\n") + text(name) + ":" + value;
  return out + "}";
}

// A system call's result, or the name of its error: a filter may deny any of them.
inline Json result(long value) {
  return value >= 0 ? number(value) : text(strerrorname_np(errno));
}
