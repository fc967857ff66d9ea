// systemd's manager, by D-Bus over its private socket (org.freedesktop.systemd1(5)); needs no bus and no
// systemctl. Hides D-Bus and its library.
#pragma once

#include "core/result.h"

#include <memory>
#include <string>

struct DBusConnection;

namespace runi {

class Systemd {
 public:
  // The socket is run/systemd/private in the root directory of the machine. Root alone may use it.
  // Errors: nobody listens, which is so where systemd is not this machine's init.
  static Result<Systemd> connect(const std::string& socket);

  // Wait until the job has ended. Errors: there is no such unit; the job's result, if it is not "done"; it
  // has not ended within `timeout_s`, and goes on.
  Result<void> restart(const std::string& unit, int timeout_s) const;
  Result<void> reload(const std::string& unit, int timeout_s) const;

  // "active", "failed", "activating", ... Errors: there is no such unit.
  [[nodiscard]] Result<std::string> active_state(const std::string& unit) const;

 private:
  struct Close {
    void operator()(DBusConnection* connection) const;
  };
  explicit Systemd(DBusConnection* connection) : connection_(connection) {}

  [[nodiscard]] Result<void> run_job(const std::string& method, const std::string& unit, int timeout_s) const;

  std::unique_ptr<DBusConnection, Close> connection_;
};

}  // namespace runi
