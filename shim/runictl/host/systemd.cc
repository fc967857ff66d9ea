#include "runictl/host/systemd.h"

#include "core/json.h"
#include "runictl/host/unix_socket.h"
#include "system/deadline.h"

#include <dbus/dbus.h>

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace runi {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kNoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";

constexpr int kCallTimeoutMs = 20'000;
constexpr std::chrono::seconds kGreetingTimeout(10);
constexpr std::chrono::milliseconds kNextGreeting(100);
constexpr std::size_t kMaxText = 500;

struct Unref {
  void operator()(DBusMessage* message) const { dbus_message_unref(message); }
};
using Message = std::unique_ptr<DBusMessage, Unref>;

// An error as the library fills it in.
class Failure {
 public:
  Failure() { dbus_error_init(&error_); }
  Failure(const Failure&) = delete;
  Failure& operator=(const Failure&) = delete;
  Failure(Failure&&) = delete;
  Failure& operator=(Failure&&) = delete;
  ~Failure() { dbus_error_free(&error_); }

  [[nodiscard]] DBusError* place() { return &error_; }
  [[nodiscard]] bool is(const char* name) const { return dbus_error_has_name(&error_, name) != FALSE; }
  [[nodiscard]] std::string text() const {
    return error_.message == nullptr ? "D-Bus: out of memory" : json::printable(error_.message, kMaxText);
  }

 private:
  DBusError error_{};
};

Error out_of_memory() {
  return Error{"D-Bus: out of memory"};
}

Error no_such_unit() {
  return Error{"systemd has no unit of that name on this machine"};
}

Error closed() {
  return Error{"systemd closed the connection"};
}

Error silent() {
  return Error{"systemd does not answer"};
}

Error error_of(const Failure& failure) {
  if (failure.is(kNoSuchUnit)) return no_such_unit();
  if (failure.is(DBUS_ERROR_NO_REPLY)) return silent();
  return Error{"systemd: " + failure.text()};
}

// Whether an answer has come, to whatever was asked.
bool take_answers(DBusConnection* connection) {
  bool has_come = false;
  while (const Message message{dbus_connection_pop_message(connection)}) {
    const int type = dbus_message_get_type(message.get());
    has_come |= type == DBUS_MESSAGE_TYPE_METHOD_RETURN || type == DBUS_MESSAGE_TYPE_ERROR;
  }
  return has_come;
}

// Makes sure that systemd listens to this connection. What it reads together with the end of the
// authentication stays in its buffer until more comes (seen in systemd 252), so it is greeted until it
// answers. And the library itself would wait for an authentication without end.
Result<void> greet(DBusConnection* connection) {
  const auto deadline = Clock::now() + kGreetingTimeout;
  while (dbus_connection_get_is_authenticated(connection) == FALSE) {
    if (dbus_connection_get_is_connected(connection) == FALSE) {
      return Error{
          "systemd closed the connection: it talks only to root, and to processes that it sees (PID "
          "namespaces)"};
    }
    if (ms_until(deadline) == 0) return silent();
    dbus_connection_read_write(connection, ms_until(deadline));
  }
  while (ms_until(deadline) > 0) {
    const Message ping(dbus_message_new_method_call(kService, kManagerPath, DBUS_INTERFACE_PEER, "Ping"));
    if (!ping || dbus_connection_send(connection, ping.get(), nullptr) == FALSE) return out_of_memory();
    for (const auto next = Clock::now() + kNextGreeting; ms_until(next) > 0;) {
      if (dbus_connection_get_is_connected(connection) == FALSE) return closed();
      dbus_connection_read_write(connection, ms_until(next));
      if (take_answers(connection)) return {};
    }
  }
  return silent();
}

// Sends a call with texts for arguments, and waits for its answer.
Result<Message> call(DBusConnection* connection, const std::string& path, const char* interface,
                     const char* method, const std::string& first, const std::string& second = "") {
  const Message request(dbus_message_new_method_call(kService, path.c_str(), interface, method));
  if (!request) return out_of_memory();
  for (const std::string* argument : {&first, &second}) {
    const char* const text = argument->c_str();
    if (argument->empty()) continue;
    if (dbus_message_append_args(request.get(), DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID) == FALSE) {
      return out_of_memory();
    }
  }
  Failure failure;
  Message answer(
      dbus_connection_send_with_reply_and_block(connection, request.get(), kCallTimeoutMs, failure.place()));
  if (!answer) return error_of(failure);
  return answer;
}

Result<std::string> path_in(const Message& answer) {
  Failure failure;
  const char* path = nullptr;
  if (dbus_message_get_args(answer.get(), failure.place(), DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID) ==
      FALSE) {
    return error_of(failure);
  }
  return std::string(path);
}

// A property of a unit, if it is a text.
Result<std::string> property(DBusConnection* connection, const std::string& path, const char* name) {
  const auto answer = call(connection, path, DBUS_INTERFACE_PROPERTIES, "Get", kUnit, name);
  if (!answer) return answer.error();
  DBusMessageIter arguments;
  DBusMessageIter value;
  if (dbus_message_iter_init(answer->get(), &arguments) == FALSE ||
      dbus_message_iter_get_arg_type(&arguments) != DBUS_TYPE_VARIANT) {
    return Error{std::string("systemd: no property ") + name};
  }
  dbus_message_iter_recurse(&arguments, &value);
  if (dbus_message_iter_get_arg_type(&value) != DBUS_TYPE_STRING) {
    return Error{std::string("systemd: no property ") + name};
  }
  const char* text = nullptr;
  dbus_message_iter_get_basic(&value, static_cast<void*>(&text));
  return std::string(text);
}

// The result of `job`, where this is the signal that it has ended.
std::optional<std::string> result_of(DBusMessage* message, std::string_view job) {
  if (dbus_message_is_signal(message, kManager, "JobRemoved") == FALSE) return std::nullopt;
  dbus_uint32_t id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (dbus_message_get_args(message, nullptr, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH, &path,
                            DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &result, DBUS_TYPE_INVALID) == FALSE ||
      path != job) {
    return std::nullopt;
  }
  return result;
}

// Signals of systemd's jobs come to each who has a private connection, unasked.
Result<std::string> wait_for(DBusConnection* connection, const std::string& job, int timeout_s) {
  const auto deadline = Clock::now() + std::chrono::seconds(timeout_s);
  for (;;) {
    while (const Message message{dbus_connection_pop_message(connection)}) {
      if (auto result = result_of(message.get(), job)) return std::move(*result);
    }
    if (dbus_connection_get_is_connected(connection) == FALSE) return closed();
    if (ms_until(deadline) == 0) {
      return Error{"has not ended within " + std::to_string(timeout_s) + " s, and goes on"};
    }
    dbus_connection_read_write(connection, ms_until(deadline));
  }
}

std::string in_words(std::string_view result, const std::string& unit) {
  if (result == "failed") return "failed: see journalctl --unit " + unit;
  if (result == "timeout") return "ran into the unit's own timeout: see journalctl --unit " + unit;
  if (result == "dependency") return "was not begun, as a unit that it needs failed";
  if (result == "canceled") return "was cancelled by another job for the unit";
  return "ended as \"" + json::printable(result, kMaxText) + "\"";
}

}  // namespace

void Systemd::Close::operator()(DBusConnection* connection) const {
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
}

Result<Systemd> Systemd::connect(const std::string& socket) {
  // The library says less well why it cannot connect, and may wait for it.
  if (const auto listens = connect_to(socket); !listens) return listens.error();
  const std::unique_ptr<char, decltype(&dbus_free)> escaped(dbus_address_escape_value(socket.c_str()),
                                                            dbus_free);
  if (!escaped) return out_of_memory();
  const std::string address = std::string("unix:path=") + escaped.get();
  Failure failure;
  DBusConnection* const connection = dbus_connection_open_private(address.c_str(), failure.place());
  if (connection == nullptr) return Error{socket + ": " + failure.text()};
  dbus_connection_set_exit_on_disconnect(connection, FALSE);
  Systemd systemd(connection);
  if (auto greeted = greet(connection); !greeted) return with_context(socket, greeted.error());
  return systemd;
}

Result<void> Systemd::run_job(const std::string& method, const std::string& unit, int timeout_s) const {
  const auto answer = call(connection_.get(), kManagerPath, kManager, method.c_str(), unit, "replace");
  const auto job = answer ? path_in(*answer) : Result<std::string>(answer.error());
  if (!job) return job.error();
  const auto result = wait_for(connection_.get(), *job, timeout_s);
  if (!result) return result.error();
  if (*result == "done") return {};
  return Error{in_words(*result, unit)};
}

Result<void> Systemd::restart(const std::string& unit, int timeout_s) const {
  auto done = run_job("RestartUnit", unit, timeout_s);
  return done ? done : with_context("restart of " + unit, done.error());
}

Result<void> Systemd::reload(const std::string& unit, int timeout_s) const {
  auto done = run_job("ReloadUnit", unit, timeout_s);
  return done ? done : with_context("reload of " + unit, done.error());
}

Result<std::string> Systemd::active_state(const std::string& unit) const {
  DBusConnection* const connection = connection_.get();
  const auto answer = call(connection, kManagerPath, kManager, "LoadUnit", unit);
  const auto path = answer ? path_in(*answer) : Result<std::string>(answer.error());
  if (!path) return with_context(unit, path.error());
  const auto loaded = property(connection, *path, "LoadState");
  if (!loaded) return with_context(unit, loaded.error());
  if (*loaded == "not-found") return with_context(unit, no_such_unit());
  return property(connection, *path, "ActiveState");
}

}  // namespace runi
