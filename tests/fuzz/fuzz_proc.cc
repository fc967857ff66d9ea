// What runictl reads of other people's processes: whatever the bytes, there is an answer, and what is shown
// of them neither steers a terminal nor breaks the JSON. The input is parted at each "\n%\n" into a status of
// one process, its stat, cmdline, environ and cgroup, its parent's cmdline, a config.json and a mountinfo.
#include "core/json.h"
#include "input.h"
#include "runictl/containers/identity.h"
#include "runictl/containers/namespaces.h"
#include "runictl/containers/running_init.h"
#include "runictl/containers/supervisor.h"
#include "runictl/containers/verdict.h"
#include "runictl/show/init_listing.h"
#include "runictl/show/listing_json.h"
#include "runictl/show/scan_listing.h"
#include "runictl/show/wording.h"

#include <utility>

namespace {

std::string_view take_part(std::string_view& text) {
  constexpr std::string_view kMark = "\n%\n";
  const auto end = text.find(kMark);
  const std::string_view part = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + kMark.size());
  return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runi;
  std::string_view rest = as_text(data, size);
  Survey survey;
  Container container;
  if (auto process = parse_status(take_part(rest))) container.first = std::move(*process);
  if (const auto stat = parse_stat(take_part(rest))) container.oldest_zombie_s = stat->start_ticks;
  container.held_zombies = container.first.threads % 3;
  container.arguments = parse_words(take_part(rest));
  const std::string_view environment = take_part(rest);
  const auto cgroups = parse_cgroups(take_part(rest));
  if (!cgroups.empty()) container.identity = read_cgroup(cgroups.front().path);
  const Supervisor supervisor = read_supervisor(parse_words(take_part(rest)));
  container.identity.name = supervisor.name;
  const std::string_view config = take_part(rest);
  read_bundle(config, container.identity);
  (void)find_docker_folder(config, container.identity.id);
  read_docker_state(config, container.identity);
  read_environment(environment, container.identity);
  split_kubernetes_name(container.identity);
  const std::string folder = find_pids_folder(cgroups, parse_mounts(rest, "/proc"));
  require((folder + "/").find("/../") == std::string::npos || rest.find("..") != std::string_view::npos,
          "a cgroup's path leads out of its mount");

  std::vector<Process> processes(2, container.first);
  processes[1].pid = processes[1].parent;
  if (processes[1].pid < processes[0].pid) std::swap(processes[0], processes[1]);
  (void)find_namespaces(processes);
  survey.containers.push_back(container);
  const auto assessed = assess_all(survey);
  require(!text_of(assessed[0].assessment, container).empty(), "no verdict");
  for (const std::size_t width : {std::size_t{80}, std::size_t{120}}) {
    for (const char c : list_scan(survey, assessed, width, false, Sandboxes::listed)) {
      require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f),
              "a control character is shown");
    }
  }
  const std::string json = scan_as_json(survey, assessed).line();
  require(json::Document::parse(json, json::Comments::refused).has_value(), "not JSON");
  for (const char c : json) require(c == '\n' || (c >= 0x20 && c < 0x7f), "JSON that is not printable ASCII");
  (void)is_meant(container.identity, supervisor.id);
  (void)version_of_init(config);
  const RunningInit init{container, assessed[0].title, container.first, std::nullopt, std::nullopt};
  (void)list_inits(std::span(&init, 1), 80, true);
  require(
      json::Document::parse(inits_as_json(std::span(&init, 1)).lines(), json::Comments::refused).has_value(),
      "not JSON");
  return 0;
}
