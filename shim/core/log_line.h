// What a line of runi's own log says, so that no name in it can be taken for another line or field.
#pragma once

#include "core/command_line.h"
#include "core/spec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runi {

// Where a container belongs, as far as its engine notes that; what is not known is empty. Views into the
// Spec.
struct Origin {
  std::string_view pod_namespace;
  std::string_view pod;
  std::string_view container;  // its name in the pod
};

// From the annotations of containerd, or else from the kubelet's labels, which CRI-O hands on
// (core/engine_keys.h).
[[nodiscard]] Origin origin_of(const Spec& spec);

// What became of a start, or of something about it. All but message, decision and time may be the words of
// whoever made the container.
struct LogRecord {
  std::string_view message;  // runi's own words: the one thing that is not in quotes
  std::string_view container_id;
  Origin origin;
  std::string_view decision;  // a reason's name
  std::string_view detail;
  std::string_view runtime;
  std::optional<std::uint64_t> elapsed_us;
};

// The longest value in a record, as it is written; a longer one ends in "...".
inline constexpr std::size_t kMaxValueBytes = 512;

// One line of printable ASCII, shorter than 3,900 bytes, so that with what a sink puts in front a
// pipe still takes it at once (pipe(7), PIPE_BUF). Text: the message, then key=value. JSON: the members of an
// object, without its braces. Keys without a value are left out.
[[nodiscard]] std::string log_line_of(const LogRecord& record, LogFormat format);

}  // namespace runi
