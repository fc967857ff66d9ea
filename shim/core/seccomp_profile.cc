#include "core/seccomp_profile.h"

#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>

namespace runi::seccomp {
namespace {

using json::Kind;
using json::Value;
using std::string_view;

// --- the profile -------------------------------------------------------------------------------------------

constexpr string_view kPath = "/linux/seccomp";
constexpr string_view kCallsPath = "/linux/seccomp/syscalls";
constexpr string_view kArgsPath = "/linux/seccomp/syscalls/args";

// runc: libcontainer/seccomp/config.go; crun: get_seccomp_action(). SCMP_ACT_KILL is an old name.
constexpr struct {
  string_view name;
  std::uint32_t value;
} kActions[] = {
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
};

constexpr struct {
  string_view name;
  scmp_compare value;
} kComparisons[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

constexpr std::uint32_t kActionBits = 0xFFFF0000;
constexpr std::uint32_t kDataBits = 0x0000FFFF;
constexpr std::uint32_t kErrno = SCMP_ACT_ERRNO(0);
constexpr std::uint32_t kTrace = SCMP_ACT_TRACE(0);

Error wrong(string_view path, string_view member, const std::string& what) {
  return Error{std::string(path) + "/" + std::string(member) + ": " + what};
}

Result<std::optional<std::uint64_t>> find_number(const Value& object, string_view path, string_view member) {
  auto found = find_member(object, path, member, Kind::number);
  if (!found) return found.error();
  if (*found == nullptr) return std::optional<std::uint64_t>{};
  const string_view text = (*found)->text;
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) {
    return wrong(path, member, "expected a number of 0 or more, found " + json::cite_token(text));
  }
  return std::optional(number);
}

// `member` and the errno that goes with it.
Result<Action> find_action(const Value& object, string_view path, string_view member,
                           string_view errno_member) {
  auto name = find_member(object, path, member, Kind::string);
  if (!name) return name.error();
  auto error = find_number(object, path, errno_member);
  if (!error) return error.error();
  const string_view text = *name == nullptr ? string_view{} : (*name)->text;
  const auto* const known = std::find_if(std::begin(kActions), std::end(kActions),
                                         [text](const auto& action) { return action.name == text; });
  if (known == std::end(kActions)) {
    return wrong(path, member, "expected an action of seccomp, found " + json::cite(text));
  }
  Action action{known->value, known->name};
  const bool takes_errno = known->value == kErrno || known->value == kTrace;
  if (takes_errno) action.value |= static_cast<std::uint32_t>(error->value_or(EPERM)) & kDataBits;
  return action;
}

// The call's number, or a negative one: on this architecture there is no such call.
int number_of(string_view name) {
  char text[64] = {};
  if (name.size() >= sizeof text) return __NR_SCMP_ERROR;
  std::memcpy(text, name.data(), name.size());
  return seccomp_syscall_resolve_name(text);
}

// --- the verdict -------------------------------------------------------------------------------------------

enum class Effect {
  allowed,
  refused,   // an error
  pretends,  // the call does nothing and seems to succeed: errno 0
  fatal,     // the process ends, or waits for an answer that may never come
};

Effect effect_of(const Action& action) {
  switch (action.value & kActionBits) {
    case SCMP_ACT_ALLOW:
    case SCMP_ACT_LOG: return Effect::allowed;
    case kErrno: return (action.value & kDataBits) == 0 ? Effect::pretends : Effect::refused;
    case kTrace: return Effect::refused;  // ENOSYS, as nobody traces (seccomp(2), SECCOMP_RET_TRACE)
    default: return Effect::fatal;
  }
}

// Errors after which the init tries no other way of making a process (start.cc, spawn()).
bool is_limit(const Action& action) {
  return action.value == SCMP_ACT_ERRNO(EAGAIN) || action.value == SCMP_ACT_ERRNO(ENOMEM);
}

struct OptionsGiven {
  bool subreaper = false;
  bool grace = false;
  bool sandbox = true;
  bool shield = false;
};

OptionsGiven options_of(std::span<const std::string> arguments) {
  OptionsGiven options;
  for (const string_view argument : arguments.subspan(arguments.empty() ? 0 : 1)) {
    if (argument == "--") break;
    if (argument.starts_with("-s")) options.subreaper = true;
    if (argument.starts_with("-t")) options.grace = true;
    if (argument.starts_with("-n")) options.sandbox = false;
    if (argument.starts_with("-S")) options.shield = true;
  }
  return options;
}

bool borrows_user(const Spec& spec) {
  return spec.may_set_user && !spec.may_kill;
}

bool applies(const Call& call, const OptionsGiven& options, const Spec& spec) {
  switch (call.when) {
    case When::always: return true;
    case When::subreaper: return options.subreaper || options.grace;
    case When::grace: return options.grace;
    case When::sandbox: return options.sandbox;
    case When::facts: return options.shield || borrows_user(spec);
    case When::borrowing: return borrows_user(spec);
    case When::listen_pidfd: return spec.has_listen_pidfd;
  }
  return true;
}

Error objection(const Call& call, const Action& action) {
  return Error{"profile answers " + std::string(call.name) + " with " + std::string(action.name) +
               (effect_of(action) == Effect::pretends ? " and errno 0" : "")};
}

// Whether the answer to a call keeps the init from its work, or makes it do harm.
bool is_objectionable(const Call& call, const Action& action) {
  switch (effect_of(action)) {
    case Effect::allowed: return false;
    case Effect::fatal: return true;
    case Effect::pretends:
      if (call.need != Need::ignored) return true;
      break;
    case Effect::refused: break;
  }
  return call.need == Need::indispensable || (call.need == Need::process && is_limit(action));
}

}  // namespace

Result<Profile::Condition> Profile::parse_condition(const Value& value) {
  if (value.kind != Kind::object) return wrong(kCallsPath, "args", "expected objects in it");
  auto index = find_number(value, kArgsPath, "index");
  if (!index) return index.error();
  if (index->value_or(0) > 5) return wrong(kArgsPath, "index", "expected 0 to 5");
  auto first = find_number(value, kArgsPath, "value");
  if (!first) return first.error();
  auto second = find_number(value, kArgsPath, "valueTwo");
  if (!second) return second.error();
  auto op = find_member(value, kArgsPath, "op", Kind::string);
  if (!op) return op.error();
  const string_view text = *op == nullptr ? string_view{} : (*op)->text;
  for (const auto& comparison : kComparisons) {
    if (comparison.name != text) continue;
    return Condition{static_cast<unsigned>(index->value_or(0)), comparison.value, first->value_or(0),
                     second->value_or(0)};
  }
  return wrong(kArgsPath, "op", "expected a comparison of seccomp, found " + json::cite(text));
}

Result<void> Profile::add(const Value& entry) {
  if (entry.kind != Kind::object) return wrong(kPath, "syscalls", "expected objects in it");
  auto action = find_action(entry, kCallsPath, "action", "errnoRet");
  if (!action) return action.error();
  auto args = find_member(entry, kCallsPath, "args", Kind::array);
  if (!args) return args.error();
  auto names = find_member(entry, kCallsPath, "names", Kind::array);
  if (!names) return names.error();
  Rule rule;
  rule.action = *action;
  unsigned seen = 0;
  if (*args != nullptr) {
    for (const Value& arg : (*args)->children()) {
      auto condition = parse_condition(arg);
      if (!condition) return condition.error();
      // Two conditions on one argument make each a rule of its own: runc's "old behavior", which crun has
      // too.
      const unsigned bit = 1U << condition->index;
      rule.separate = rule.separate || (seen & bit) != 0;
      seen |= bit;
      rule.conditions.push_back(*condition);
    }
  }
  // Both runtimes leave such a rule out, because libseccomp does not take it.
  if (*names == nullptr || action->value == default_action_.value) return {};

  for (const Value& name : (*names)->children()) {
    if (name.kind != Kind::string) return wrong(kCallsPath, "names", "expected strings in it");
    const std::uint64_t bit = bit_of(number_of(name.text));
    rule.repeated |= rule.calls & bit;
    rule.calls |= bit;
  }
  if (rule.calls == 0) return {};
  // A mask without bits leaves nothing to compare, and libseccomp leaves the condition out.
  const std::size_t all = rule.conditions.size();
  std::erase_if(rule.conditions, [](const Condition& condition) {
    return condition.comparison == SCMP_CMP_MASKED_EQ && condition.value == 0;
  });
  rule.unconditional = rule.conditions.empty() || (rule.separate && rule.conditions.size() < all);
  rules_.push_back(std::move(rule));
  return {};
}

Result<Profile> Profile::parse(const Value& value) {
  Profile profile;
  auto calls = find_member(value, kPath, "syscalls", Kind::array);
  if (!calls) return calls.error();
  auto name = find_member(value, kPath, "defaultAction", Kind::string);
  if (!name) return name.error();
  // To runc this is no profile (specconv, SetupSeccomp()), and crun does not start it.
  const bool unnamed = *name == nullptr || (*name)->text.empty();
  if (unnamed && (*calls == nullptr || (*calls)->children().empty())) {
    profile.default_action_ = {SCMP_ACT_ALLOW, "SCMP_ACT_ALLOW"};
    return profile;
  }
  auto action = find_action(value, kPath, "defaultAction", "defaultErrnoRet");
  if (!action) return action.error();
  profile.default_action_ = *action;
  if (*calls == nullptr) return profile;
  for (const Value& entry : (*calls)->children()) {
    if (auto added = profile.add(entry); !added) return added.error();
  }
  return profile;
}

Profile::Match Profile::match(const Condition& condition, const Argument& argument) {
  if (!argument.known) return Match::maybe;
  const auto answer = [](bool holds) { return holds ? Match::yes : Match::no; };
  switch (condition.comparison) {
    case SCMP_CMP_NE: return answer(argument.value != condition.value);
    case SCMP_CMP_LT: return answer(argument.value < condition.value);
    case SCMP_CMP_LE: return answer(argument.value <= condition.value);
    case SCMP_CMP_EQ: return answer(argument.value == condition.value);
    case SCMP_CMP_GE: return answer(argument.value >= condition.value);
    case SCMP_CMP_GT: return answer(argument.value > condition.value);
    // libseccomp masks the value, too (_db_node_mask_fixup() in its db.c).
    default: return answer((argument.value & condition.value) == (condition.value_two & condition.value));
  }
}

bool Profile::is_for_equality(const Condition& condition) {
  return condition.comparison == SCMP_CMP_EQ || condition.comparison == SCMP_CMP_MASKED_EQ;
}

std::vector<Action> Profile::answers_to(const Call& call) const {
  const std::uint64_t bit = bit_of(call.number);
  std::size_t count = 0;
  bool for_equality = true;
  for (const Rule& rule : rules_) {
    if ((rule.calls & bit) == 0) continue;
    // A rule without conditions takes the place of all that have some (db_col_rule_add() in libseccomp's
    // db.c).
    if (rule.unconditional) return {rule.action};
    count += (rule.separate ? rule.conditions.size() : 1) * ((rule.repeated & bit) != 0 ? 2 : 1);
    for_equality =
        for_equality && std::all_of(rule.conditions.begin(), rule.conditions.end(), is_for_equality);
  }
  // libseccomp (2.5.4) may make something else of several rules for one call than they say: it merges them to
  // a tree, and gets that wrong where a comparison is not for equality.
  const bool in_doubt = count > 1 && !for_equality;
  std::vector<Action> answers;
  bool certain = false;
  for (const Rule& rule : rules_) {
    if ((rule.calls & bit) == 0) continue;
    // Of all conditions the worst, or of separate ones the best.
    Match matched = rule.separate ? Match::no : Match::yes;
    for (const Condition& condition : rule.conditions) {
      const Match one = match(condition, call.arguments[condition.index]);
      matched = rule.separate ? std::max(matched, one) : std::min(matched, one);
    }
    if (in_doubt) matched = Match::maybe;
    if (matched != Match::no && (answers.empty() || answers.back().value != rule.action.value)) {
      answers.push_back(rule.action);
    }
    certain = certain || matched == Match::yes;
  }
  if (!certain) answers.push_back(default_action_);
  return answers;
}

Result<Fit> judge(const Spec& spec, std::span<const std::string> init_arguments) {
  Fit fit;
  if (spec.seccomp_value == nullptr) return fit;
  auto profile = Profile::parse(*spec.seccomp_value);
  if (!profile) return profile.error();
  const OptionsGiven options = options_of(init_arguments);
  bool has_process = false;
  std::optional<Error> no_process;
  for (const Call& call : init_calls()) {
    const bool is_process = call.need == Need::process;
    if (is_process && has_process) continue;
    bool refused = false;
    for (const Action& action : profile->answers_to(call)) {
      if (effect_of(action) == Effect::allowed) continue;
      if (!applies(call, options, spec)) break;
      if (is_objectionable(call, action)) {
        if (call.when != When::facts || borrows_user(spec)) return objection(call, action);
        fit.shield = false;
      }
      refused = true;
      if (is_process) no_process = objection(call, action);
    }
    if (is_process && !refused) has_process = true;
  }
  if (!has_process && no_process) return *no_process;
  return fit;
}

}  // namespace runi::seccomp
