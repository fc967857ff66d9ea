#include "runictl/commands.h"
#include "runictl/containers/running_init.h"
#include "runictl/machine/procfs.h"
#include "runictl/machine/terminal.h"
#include "runictl/show/init_listing.h"
#include "runictl/show/listing_json.h"

#include <string>
#include <vector>

namespace runi {
namespace {

constexpr std::size_t kMaxRollup = 16 << 10;

RunningInit look_at_init(const Procfs& proc, const Container& container, const Survey& survey) {
  RunningInit init;
  const std::string rollup = proc.read(container.first.pid, "smaps_rollup", kMaxRollup);
  init.pss_kib = find_kib(rollup, "Pss");
  init.private_dirty_kib = find_kib(rollup, "Private_Dirty");
  init.application = find_application(container.first, survey.population.processes);
  init.title = title_of(container, survey.containers);
  init.container = container;
  return init;
}

}  // namespace

Result<int> ps(const PsOptions& options) {
  auto proc = Procfs::open(options.proc);
  auto survey = proc ? proc->survey() : Result<Survey>(proc.error());
  if (!survey) return survey.error();
  const auto& processes = survey->population.processes;
  std::vector<RunningInit> inits;
  for (const Container& container : survey->containers) {
    if (container.is_runi_init) inits.push_back(look_at_init(*proc, container, *survey));
  }
  // Where containers share a PID namespace, it is not PID 1.
  for (const Process& process : processes) {
    if ((process.name != "runi-init" && process.name != ".runi-init") || process.number == 1) continue;
    const Container container = proc->look_at(process, processes);
    if (container.is_runi_init) inits.push_back(look_at_init(*proc, container, *survey));
  }
  drop_unborn(inits);
  print(options.json ? inits_as_json(inits).lines() : list_inits(inits, line_width(), colours_wanted()));
  return 0;
}

}  // namespace runi
