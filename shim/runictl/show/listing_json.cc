#include "runictl/show/listing_json.h"

#include "runictl/show/wording.h"

#include <utility>

namespace runi {
namespace {

// Null where it is 0, which is none.
Json known_id(std::uint64_t id) {
  return id == 0 ? Json() : Json(id);
}

// The members that scan and ps both have.
Json json_of(const Container& container) {
  const Process& first = container.first;
  const Identity& identity = container.identity;
  Json json = Json::object();
  json.add("pid", first.pid);
  json.add("engine", Json::known(identity.engine));
  json.add("id", Json::known(identity.id));
  json.add("name", Json::known(identity.name));
  json.add("pod", Json::known(identity.pod));
  json.add("podNamespace", Json::known(identity.pod_namespace));
  json.add("podUid", Json::known(identity.pod_uid));
  json.add("pidNamespace", known_id(first.pid_namespace));
  json.add("inside", known_id(static_cast<std::uint64_t>(container.outer)));
  json.add("process", first.name);
  json.add("program", Json::known(container.program));
  json.add("arguments", Json::array(container.arguments));
  json.add("uid", first.uid);
  json.add("ageSeconds", container.age_s);
  json.add("complete", !is_sealed(container));
  return json;
}

Json json_of(const std::optional<PidsLimit>& pids) {
  if (!pids) return nullptr;
  Json json = Json::object();
  json.add("current", pids->current);
  json.add("max", pids->max);
  return json;
}

Json json_of(const Assessed& one) {
  const Container& container = *one.container;
  Json json = json_of(container);
  json.add("processes", container.processes);
  json.add("sigterm", name_of(sigterm_of(container.first)));
  json.add("zombies", container.held_zombies);
  json.add("oldestZombieSeconds", container.oldest_zombie_s);
  json.add("zombiesOfOthers", container.other_zombies);
  json.add("adopted", container.adopted);
  json.add("pids", json_of(container.pids));
  json.add("init", Json::known(one.assessment.init));
  json.add("verdict", name_of(one.assessment.verdict));
  Json because = Json::array();
  for (const Cause cause : one.assessment.causes) because.add(name_of(cause));
  json.add("because", std::move(because));
  json.add("text", text_of(one.assessment, container));
  return json;
}

Json summary_of(const Survey& survey, std::span<const Assessed> assessed) {
  const Counts counts = count(assessed);
  Json json = Json::object();
  json.add("containers", assessed.size());
  json.add("sandboxes", counts.sandboxes);
  json.add("needInit", counts.need_init);
  json.add("haveInit", counts.have_init);
  json.add("processes", survey.population.processes.size());
  json.add("unreadableProcesses", survey.population.unreadable);
  json.add("incompleteContainers", counts.sealed);
  json.add("hidesProcesses", survey.hides_processes);
  return json;
}

Json json_of(const std::optional<Process>& application) {
  if (!application) return nullptr;
  Json json = Json::object();
  json.add("pid", application->pid);
  json.add("number", application->number);
  json.add("process", application->name);
  return json;
}

Json memory_of(const RunningInit& init) {
  Json json = Json::object();
  json.add("rss", init.container.first.rss_kib);
  json.add("pss", init.pss_kib);
  json.add("privateDirty", init.private_dirty_kib);
  return json;
}

Json sandbox_of(const Process& init) {
  Json json = Json::object();
  json.add("seccomp", init.seccomp == 2);
  json.add("noNewPrivileges", init.no_new_privs);
  return json;
}

// What of it is the init's own.
Json init_of(const RunningInit& init) {
  const Process& first = init.container.first;
  const InitCall call = read_call(init.container);
  const Options& options = call.options;
  Json json = Json::object();
  json.add("version", Json::known(init.container.init_version));
  json.add("reaping", kernel_reaps(first) ? "kernel" : "init");
  json.add("forward", options.forward_to_group ? "group" : "child");
  json.add("subreaper", options.subreaper);
  json.add("graceSeconds", options.grace_s == kNoGrace ? Json() : Json(options.grace_s));
  json.add("shield", options.shield);
  json.add("options", Json::array(call.words));
  json.add("memoryKib", memory_of(init));
  json.add("sandbox", sandbox_of(first));
  return json;
}

}  // namespace

Json scan_as_json(const Survey& survey, std::span<const Assessed> assessed) {
  Json containers = Json::array();
  for (const Assessed& one : assessed) containers.add(json_of(one));
  Json json = Json::object();
  json.add("containers", std::move(containers));
  json.add("summary", summary_of(survey, assessed));
  return json;
}

Json inits_as_json(std::span<const RunningInit> inits) {
  Json containers = Json::array();
  for (const RunningInit& init : inits) {
    Json one = json_of(init.container);
    one.add("application", json_of(init.application));
    one.add("init", init_of(init));
    containers.add(std::move(one));
  }
  Json json = Json::object();
  json.add("containers", std::move(containers));
  return json;
}

}  // namespace runi
