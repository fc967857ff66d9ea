// runictl's commands, as functions of their options. Each prints what it found and returns the exit status: 0
// or kFound. Errors: its work could not be done; the exit status is kFailed then.
#pragma once

#include "core/result.h"

#include <string>

namespace runi {

inline constexpr int kFound = 1;   // the command did its work and found what somebody should look at
inline constexpr int kFailed = 2;  // wrong usage, or the work could not be done
inline constexpr int kRefused =
    3;  // of install and uninstall: nothing was tried, and kFound: all was put back

// Errors: the option --handler has what cannot be the name that runi is called by.
inline Result<void> check_handler_name(const std::string& handler) {
  const bool is_name = !handler.empty() && handler != "." && handler != "..";
  if (is_name && handler.find('/') == std::string::npos) return {};
  return Error{"--handler " + handler + ": expected the name that runi is called by, without a slash"};
}

struct ExplainOptions {
  std::string bundle = ".";
  std::string config;            // a config.json without its bundle
  std::string handler = "runi";  // the name that runi is called by
  std::string container;         // one that runs; or "-" for standard input
  bool json = false;
};
Result<int> explain(ExplainOptions options);

struct CheckOptions {
  std::string root = "/";
  std::string handler;  // only this one
  std::string config;   // only this file, as runi's configuration
  bool json = false;
};
Result<int> check(const CheckOptions& options);

struct ScanOptions {
  std::string proc = "/proc";
  bool json = false;
  bool sandboxes = false;  // pods' sandboxes are listed, too
  double watch_s = 0;      // 0: once
};
Result<int> scan(const ScanOptions& options);

struct PsOptions {
  std::string proc = "/proc";
  bool json = false;
};
Result<int> ps(const PsOptions& options);

struct InstallOptions {
  std::string engine;  // empty: the one that is meant
  std::string handler = "runi";
  std::string runtime;
  std::string prefix;
  std::string restart = "systemd";
  std::string host_root = "/";
  bool set_default = false;
  bool force = false;
  bool dry_run = false;
  bool json = false;
};
Result<int> install(const InstallOptions& options);
Result<int> uninstall(const InstallOptions& options);

// Whether the machine still holds what was installed.
Result<int> installed(const InstallOptions& options);

// Errors: there is no engine of that name; an empty one is right.
Result<void> check_engine_name(const std::string& engine);

// What runs in the container by which an installation is proved: host/proof.h says how it ends. Not shown to
// people.
Result<int> in_container();

}  // namespace runi
