#include "runictl/host/perform.h"

#include "core/path.h"
#include "runictl/host/candidate.h"
#include "runictl/host/engine.h"

#include <utility>
#include <variant>
#include <vector>

namespace runi {
namespace {

const std::string kPath(kRecordFile);

Result<void> write_record(const HostFiles& files, const Record& record) {
  const std::string folder(directory_of(kPath));
  if (record.entries.empty()) {
    if (const auto there = files.look(folder); there && there->kind == State::Kind::nothing) return {};
    if (auto removed = files.put(kPath, {}); !removed) return removed;
    return files.put(folder, {});
  }
  if (auto made = files.make_directories(folder); !made) return made;
  // It has the bytes that an engine's file had before, and such a file may have passwords in it.
  return files.put(kPath, State::file(text_of(record), 0600));
}

class Performing {
 public:
  Performing(const Machine& machine, const HostFiles& files, const HostFacts& facts, const Plan& plan,
             const Record& record, RestartBy by)
      : files_(files),
        facts_(facts),
        plan_(plan),
        record_(record),
        machine_(machine),
        engine_(machine, facts.engine, by) {}

  Result<Performed> run() {
    Record record = record_;
    record.put(plan_.begun);
    if (auto written = write_record(files_, record); !written) return undo(written.error());
    for (const Step& step : plan_.steps) {
      const auto done = std::visit([this](const auto& each) { return take(each); }, step);
      if (!done) return undo(done.error());
    }
    if (plan_.entry.files.empty()) {
      record.remove(plan_.entry.engine, plan_.entry.handler);
    } else {
      record.put(plan_.entry);
    }
    if (auto written = write_record(files_, record); !written) return undo(written.error());
    return performed_;
  }

 private:
  Result<void> take(const Change& change) {
    auto done = files_.apply(change);
    if (done) done_.push_back(&change);
    return done;
  }

  Result<void> take(const JudgeCandidate& step) const {
    const HandlerWanted handler = {plan_.entry.handler, plan_.entry.program, {}, plan_.entry.is_default};
    return judge_candidate(machine_, files_, facts_.engine, handler, step.candidate);
  }

  Result<void> take(const ReloadEngine&) {
    is_reloaded_ = true;
    return engine_.reload();
  }

  Result<void> take(const AwaitEngine& step) const { return engine_.await(step.handler); }

  Result<void> take(const ProveHandler&) {
    auto note = engine_.prove(plan_.entry.handler, plan_.entry.program, facts_.runictl);
    if (!note) return note.error();
    performed_.note = std::move(*note);
    return {};
  }

  Error undo(const Error& cause) {
    std::string failed;
    const auto note = [&failed](const Result<void>& done) {
      if (!done) failed += "; not undone: " + done.error().what;
    };
    for (auto change = done_.rbegin(); change != done_.rend(); ++change) {
      note(files_.apply((*change)->undone()));
    }
    // What is not undone has to stay in the record.
    if (failed.empty()) note(write_record(files_, record_));
    if (is_reloaded_) {
      auto done = engine_.reload();
      if (done) done = engine_.await("");
      if (!done && done.error().what != cause.what) note(done);
    }
    return Error{cause.what + (failed.empty() ? "; everything is as it was" : failed)};
  }

  const HostFiles& files_;
  const HostFacts& facts_;
  const Plan& plan_;
  const Record& record_;
  const Machine& machine_;
  Engine engine_;
  std::vector<const Change*> done_;
  bool is_reloaded_ = false;
  Performed performed_;
};

}  // namespace

Result<Record> read_record(const HostFiles& files) {
  const auto there = files.look(kPath);
  if (!there) return with_context(kPath, there.error());
  if (there->kind == State::Kind::nothing) return Record{};
  if (there->kind != State::Kind::file) return Error{kPath + ": not a regular file"};
  auto record = parse_record(there->content);
  if (!record) return with_context(kPath, record.error());
  return record;
}

void sweep_all(const HostFiles& files, const EngineFacts& engine, const Record& record) {
  files.sweep(kPath);
  for (const Entry& entry : record.entries) {
    for (const RecordedFile& file : entry.files) files.sweep(file.path);
  }
  sweep_candidates(files, engine);
  if (record.entries.empty()) (void)files.put(std::string(directory_of(kPath)), {});
}

Result<Performed> perform(const Machine& machine, const HostFiles& files, const HostFacts& facts,
                          const Plan& plan, const Record& record, RestartBy by) {
  return Performing(machine, files, facts, plan, record, by).run();
}

}  // namespace runi
