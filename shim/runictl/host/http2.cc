#include "runictl/host/http2.h"

#include "core/json.h"
#include "runictl/host/unix_socket.h"
#include "system/deadline.h"
#include "system/error.h"
#include "system/fd.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace runi {
namespace {

constexpr std::size_t kMaxAnswer = 16 << 20;  // as much as a kubelet takes (cri-client, maxMsgSize)
constexpr std::size_t kMaxWhy = 2000;
constexpr std::size_t kPrefix = 5;  // in front of a message: whether it is compressed, and its size

// A call on its way: what is still to be sent, and what has come.
struct Call {
  std::string to_send;
  std::size_t sent = 0;
  std::string received;
  std::string http_status;
  std::optional<int> status;
  std::string why;
  bool is_closed = false;
  bool is_too_large = false;
  std::uint32_t reset_by = 0;  // an error code of HTTP/2
};

Call& call_of(void* user_data) {
  return *static_cast<Call*>(user_data);
}

std::string prefixed(std::string_view message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::string bytes(1, '\0');
  for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>((size >> shift) & 0xffU);
  return bytes.append(message);
}

// The message behind its prefix. Empty where it is not all there, or is compressed, which nobody asked for.
std::optional<std::string> without_prefix(std::string_view bytes) {
  if (bytes.size() < kPrefix || bytes[0] != 0) return std::nullopt;
  std::uint32_t size = 0;
  for (std::size_t i = 1; i < kPrefix; ++i) size = (size << 8U) | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(kPrefix);
  if (bytes.size() != size) return std::nullopt;
  return std::string(bytes);
}

// The header grpc-message has "%20" for what is not printable.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const begin = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(begin, begin + 2, byte, 16).ptr == begin + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

ssize_t on_send_data(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t room,
                     std::uint32_t* flags, nghttp2_data_source*, void* user_data) {
  Call& call = call_of(user_data);
  const std::size_t size = std::min(room, call.to_send.size() - call.sent);
  std::copy_n(call.to_send.data() + call.sent, size, buffer);
  call.sent += size;
  if (call.sent == call.to_send.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user_data) {
  Call& call = call_of(user_data);
  const std::string_view key(reinterpret_cast<const char*>(name), name_size);
  const std::string_view text(reinterpret_cast<const char*>(value), value_size);
  if (key == ":status") call.http_status = text;
  if (key == "grpc-message") call.why = json::printable(percent_decoded(text), kMaxWhy);
  if (key == "grpc-status") {
    int status = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), status);
    if (read.ec == std::errc() && read.ptr == text.data() + text.size()) call.status = status;
  }
  return 0;
}

int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size,
            void* user_data) {
  Call& call = call_of(user_data);
  if (call.received.size() + size > kMaxAnswer + kPrefix) {
    call.is_too_large = true;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  call.received.append(reinterpret_cast<const char*>(data), size);
  return 0;
}

int on_close(nghttp2_session*, std::int32_t, std::uint32_t error, void* user_data) {
  Call& call = call_of(user_data);
  call.is_closed = true;
  call.reset_by = error;
  return 0;
}

using Session = std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)>;

Session new_session(Call& call) {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return {nullptr, nghttp2_session_del};
  const std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)> kept(
      callbacks, nghttp2_session_callbacks_del);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new(&session, callbacks, &call) != 0) return {nullptr, nghttp2_session_del};
  return {session, nghttp2_session_del};
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  // The library copies both, and takes them by pointers that are not const.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

Result<void> submit(nghttp2_session* session, const std::string& method, int timeout_ms) {
  const std::string timeout = std::to_string(timeout_ms) + "m";
  const std::array<nghttp2_nv, 8> headers = {header(":method", "POST"),
                                             header(":scheme", "http"),
                                             header(":path", method),
                                             header(":authority", "localhost"),
                                             header("content-type", "application/grpc"),
                                             header("te", "trailers"),
                                             header("user-agent", "runictl"),
                                             header("grpc-timeout", timeout)};
  nghttp2_data_provider body{};
  body.read_callback = on_send_data;
  int error = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  if (error == 0) {
    error = nghttp2_submit_request(session, nullptr, headers.data(), headers.size(), &body, nullptr);
  }
  if (error < 0) return Error{std::string("HTTP/2: ") + nghttp2_strerror(error)};
  return {};
}

// What a daemon that hangs up is seen by depends on what it had not read yet.
Error connection_error(const char* call) {
  if (errno != EPIPE && errno != ECONNRESET) return last_error(call);
  return Error{"the daemon closed the connection without an answer"};
}

// Sends as much as the socket takes. Returns whether something is left, in `rest`.
Result<bool> send_some(nghttp2_session* session, int fd, std::string& rest) {
  for (;;) {
    if (rest.empty()) {
      const std::uint8_t* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session, &data);
      if (size < 0) return Error{std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(size))};
      if (size == 0) return false;
      rest.assign(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    const ssize_t put = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return true;
    if (put < 0) return connection_error("send");
    rest.erase(0, static_cast<std::size_t>(put));
  }
}

Error not_http2() {
  return Error{"what answers does not speak HTTP/2, as an engine's CRI does"};
}

// Errors: what comes is not HTTP/2, or the connection has ended.
Result<void> receive_some(nghttp2_session* session, int fd, const Call& call) {
  std::array<std::uint8_t, 64 << 10> buffer{};
  const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (got == 0) errno = ECONNRESET;
  if (got <= 0) return connection_error("receive");
  const ssize_t taken = nghttp2_session_mem_recv(session, buffer.data(), static_cast<std::size_t>(got));
  if (call.is_too_large) return Error{"the answer is larger than 16 MiB"};
  if (taken < 0) return not_http2();
  return {};
}

Result<void> exchange(nghttp2_session* session, int fd, Call& call, Clock::time_point deadline) {
  std::string rest;
  while (!call.is_closed) {
    const auto has_more = send_some(session, fd, rest);
    if (!has_more) return has_more.error();
    // It has sent the reason why it does not read on.
    if (nghttp2_session_want_read(session) == 0) return not_http2();
    const int left = ms_until(deadline);
    if (left == 0) return Error{"no answer in time"};
    pollfd waiting{fd, static_cast<short>(*has_more ? POLLIN | POLLOUT : POLLIN), 0};
    const int ready = poll(&waiting, 1, left);
    if (ready < 0 && errno != EINTR) return last_error("poll");
    if (ready <= 0 || (waiting.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    if (auto received = receive_some(session, fd, call); !received) return received;
  }
  return {};
}

Result<GrpcAnswer> answer_of(Call call) {
  if (!call.status && call.reset_by != 0) {
    return Error{std::string("the daemon broke off: ") + nghttp2_http2_strerror(call.reset_by)};
  }
  if (!call.status) {
    return Error{"the answer is not gRPC's: HTTP status " + json::printable(call.http_status, kMaxWhy)};
  }
  if (*call.status != 0) return GrpcAnswer{*call.status, {}, std::move(call.why)};
  auto message = without_prefix(call.received);
  if (!message) return Error{"the answer is not one message of gRPC"};
  return GrpcAnswer{0, std::move(*message), {}};
}

}  // namespace

Result<GrpcAnswer> call_grpc(const std::string& socket, const std::string& method, std::string_view request,
                             int timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  const auto stream = connect_to(socket);
  if (!stream) return stream.error();
  Call call;
  call.to_send = prefixed(request);
  const Session session = new_session(call);
  if (!session) return Error{"HTTP/2: out of memory"};
  auto done = submit(session.get(), method, timeout_ms);
  if (done) done = exchange(session.get(), stream->number(), call, deadline);
  auto answer = done ? answer_of(std::move(call)) : Result<GrpcAnswer>(done.error());
  return answer ? answer : with_context(socket, answer.error());
}

}  // namespace runi
