// The record of what runictl has installed on a machine, written before the first change: what a later run
// goes on from, and what an uninstallation takes away. Pure.
#pragma once

#include "core/result.h"
#include "runictl/installer/change.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

inline constexpr std::string_view kRecordFile = "/var/lib/runi/install.json";

// A file as it was made or edited.
struct RecordedFile {
  std::string path;
  Role role = Role::program;
  std::string sha256;                 // of a file's bytes
  std::string target;                 // of a link
  std::optional<std::string> before;  // the bytes of an edited file before; empty: it was made

  bool operator==(const RecordedFile&) const = default;
};

enum class Progress : std::uint8_t {
  begun,     // may be half done
  unproven,  // all files are there, and whether the engine has read them is not known
  done,
};

// One engine's handler.
struct Entry {
  std::string engine;  // EngineKind's name
  std::string handler;
  std::string program;  // that the handler calls
  bool is_default = false;
  Progress progress = Progress::begun;
  std::vector<RecordedFile> files;  // in the order in which they were made

  bool operator==(const Entry&) const = default;
};

struct Record {
  std::vector<Entry> entries;

  // Null where there is none.
  [[nodiscard]] const Entry* find(std::string_view engine, std::string_view handler) const;
  // Puts it in the place of the one of its engine and handler.
  void put(Entry entry);
  void remove(std::string_view engine, std::string_view handler);
};

// Errors: the line and what is wrong there.
Result<Record> parse_record(std::string_view text);

[[nodiscard]] std::string text_of(const Record& record);

// How a file would be recorded that is in this state.
[[nodiscard]] RecordedFile recorded(const std::string& path, Role role, const State& state);

// Whether what lies there is what was recorded.
[[nodiscard]] bool is_as_recorded(const RecordedFile& file, const State& state);

}  // namespace runi
