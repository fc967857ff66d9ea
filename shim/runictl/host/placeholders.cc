// Stands in for what talks to engines.
#include "runictl/host/cri.h"
#include "runictl/host/engine_signal.h"
#include "runictl/host/proof.h"
#include "runictl/host/systemd.h"

namespace runi {
namespace {
const Error kMissing = {"not in this build"};
}

Result<Cri> Cri::connect(const std::string&, int) {
  return kMissing;
}
Result<CriStatus> Cri::status() const {
  return kMissing;
}
Result<std::vector<CriSandbox>> Cri::sandboxes() const {
  return kMissing;
}
Result<void> signal_peer(const std::string&, int) {
  return kMissing;
}
Result<Proof> prove_by_cri(const ProofWanted&) {
  return kMissing;
}
Result<void> prove_by_runi(const std::string&, const std::string&, const std::string&) {
  return kMissing;
}
void Systemd::Close::operator()(DBusConnection*) const {}
Result<Systemd> Systemd::connect(const std::string&) {
  return kMissing;
}
Result<void> Systemd::restart(const std::string&, int) const {
  return kMissing;
}
Result<void> Systemd::reload(const std::string&, int) const {
  return kMissing;
}
Result<std::string> Systemd::active_state(const std::string&) const {
  return kMissing;
}

}  // namespace runi
