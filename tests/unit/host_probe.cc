// Calls what runictl does to a machine and asks its engines, one thing at a time, for the tests with real
// daemons.
//
//     host_probe restart|reload|state SOCKET UNIT SECONDS     systemd's private socket
//     host_probe version|status|sandboxes SOCKET SECONDS      an engine's CRI
//     host_probe prove SOCKET HANDLER PROGRAM
//     host_probe prove-by-runi RUNI RUNICTL ROOT
//     host_probe signal SOCKET NUMBER
//
// Prints what it found; or on stderr the error, and exits with 1.
#include "runictl/host/cri.h"
#include "runictl/host/engine_signal.h"
#include "runictl/host/proof.h"
#include "runictl/host/systemd.h"

#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace runi;
using Words = std::vector<std::string>;

constexpr std::size_t kMostWords = 4;

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
}

Result<void> ask_systemd(const Words& words) {
  const auto systemd = Systemd::connect(words[1]);
  if (!systemd) return systemd.error();
  const int timeout_s = std::stoi(words[3]);
  if (words[0] == "restart") return systemd->restart(words[2], timeout_s);
  if (words[0] == "reload") return systemd->reload(words[2], timeout_s);
  const auto state = systemd->active_state(words[2]);
  if (!state) return state.error();
  print(*state);
  return {};
}

Result<void> ask_cri(const Words& words) {
  const auto cri = Cri::connect(words[1], std::stoi(words[2]));
  if (!cri) return cri.error();
  if (words[0] == "version") {
    const auto version = cri->version();
    if (!version) return version.error();
    print(*version);
  } else if (words[0] == "status") {
    const auto status = cri->status();
    if (!status) return status.error();
    print(status->is_ready ? "ready" : "not ready: " + status->why);
    if (status->handlers) print("handlers");
    for (const std::string& handler : status->handlers.value_or(Words())) print("handler " + handler);
    for (const std::string& handler : status->handlers_with_systemd) print("systemd " + handler);
    print("image " + status->sandbox_image);
  } else {
    const auto sandboxes = cri->sandboxes();
    if (!sandboxes) return sandboxes.error();
    for (const CriSandbox& each : *sandboxes) {
      print(each.id + " " + each.name_space + "/" + each.name + " " + each.handler +
            (each.is_ready ? " ready" : " ended"));
    }
  }
  return {};
}

Result<void> carry_out(const Words& words) {
  const std::string& action = words[0];
  if (action == "restart" || action == "reload" || action == "state") return ask_systemd(words);
  if (action == "signal") {
    const auto signalled = signal_peer(words[1], std::stoi(words[2]));
    return signalled ? Result<void>() : signalled.error();
  }
  if (action == "prove-by-runi") return prove_by_runi(words[1], words[2], words[3]);
  if (action != "prove") return ask_cri(words);
  const auto proof = prove_by_cri({words[1], words[2], words[3]});
  if (!proof) return proof.error();
  print(proof->is_proven() ? "proven" : "note: " + proof->note);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Words words(argv + 1, argv + argc);
  if (words.size() < 2) return 2;
  words.resize(kMostWords);
  const auto done = carry_out(words);
  if (!done) std::fprintf(stderr, "%s\n", done.error().what.c_str());
  return done ? 0 : 1;
}
