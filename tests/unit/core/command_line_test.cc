#include "core/command_line.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace runi {
namespace {

// A command line as typed: words separated by blanks; '' is the empty word.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while ((start = line.find_first_not_of(' ', start)) != std::string_view::npos) {
    const std::size_t end = line.find(' ', start);
    const std::string_view word = line.substr(start, end - start);
    words.emplace_back(word == "''" ? "" : word);
    start = end;
  }
  return words;
}

std::string text_of(const CommandLine& line) {
  std::string text;
  switch (line.verb) {
    case Verb::create: text = "create"; break;
    case Verb::run: text = "run"; break;
    case Verb::restore: text = "restore"; break;
    case Verb::other: return "other";
  }
  text += " bundle=" + std::string(line.bundle);
  if (line.config_file) text += " config=" + std::string(*line.config_file);
  text += " id=" + std::string(line.container_id);
  if (!line.log.empty()) text += " log=" + std::string(line.log);
  if (line.log_format == LogFormat::json) text += " json";
  return text;
}

std::string read(std::string_view line, Dialect dialect) {
  const std::vector<std::string> words = words_of(line);
  std::vector<const char*> args;
  args.reserve(words.size());
  for (const std::string& word : words) args.push_back(word.c_str());
  return text_of(parse_command_line(args, dialect));
}

struct Case {
  std::string_view line;
  std::string_view expected;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.line;
}

class RuncCommandLine : public testing::TestWithParam<Case> {};
class CrunCommandLine : public testing::TestWithParam<Case> {};

TEST_P(RuncCommandLine, IsReadAsRuncReadsIt) {
  EXPECT_EQ(read(GetParam().line, Dialect::runc), GetParam().expected) << GetParam().line;
}

TEST_P(CrunCommandLine, IsReadAsCrunReadsIt) {
  EXPECT_EQ(read(GetParam().line, Dialect::crun), GetParam().expected) << GetParam().line;
}

constexpr Case kBoth[] = {
    {"", "other"},
    {"create", "create bundle=. id="},
    {"create id", "create bundle=. id=id"},
    {"create --bundle B id", "create bundle=B id=id"},
    {"create --bundle=B id", "create bundle=B id=id"},
    {"create -b B id", "create bundle=B id=id"},
    {"run --bundle B id", "run bundle=B id=id"},
    {"run -d --bundle B id", "run bundle=B id=id"},
    {"restore --bundle B id", "restore bundle=B id=id"},
    {"create --bundle A --bundle B id", "create bundle=B id=id"},
    {"create --bundle= id", "create bundle=. id=id"},
    {"create --bundle '' id", "create bundle=. id=id"},
    {"create --bundle=A=B id", "create bundle=A=B id=id"},
    {"create --bundle", "create bundle=. id="},
    {"create --bundle --no-pivot id", "create bundle=--no-pivot id=id"},
    {"create --bundle -- id", "create bundle=-- id=id"},
    {"create --bundle - id", "create bundle=- id=id"},
    {"create --bundle B -", "create bundle=B id=-"},
    {"create --bundle B -- -id", "create bundle=B id=-id"},
    {"create -- --bundle B", "create bundle=. id=--bundle"},
    {"-- create --bundle B id", "create bundle=B id=id"},
    {"create --bundle B create", "create bundle=B id=create"},
    {"create --bundle create id", "create bundle=create id=id"},
    {"--help create --bundle B id", "other"},
    {"--version create --bundle B id", "other"},
    {"-v create --bundle B id", "other"},
    {"create --help --bundle B id", "other"},
    {"create --bundle --help id", "create bundle=--help id=id"},
    {"- create --bundle B id", "other"},
    {"'' create --bundle B id", "other"},

    // Other verbs, and the verb's name in places where it is none.
    {"state create", "other"},
    {"delete --force create", "other"},
    {"kill id create", "other"},
    {"exec id create --bundle B", "other"},
    {"start create", "other"},
    {"creat --bundle B id", "other"},
    {"Create --bundle B id", "other"},
    {"features", "other"},
    {"--log create create --bundle B id", "create bundle=B id=id log=create"},
    {"--log=create create --bundle B id", "create bundle=B id=id log=create"},
    {"--log create state id", "other"},
    {"--root create state id", "other"},
    {"--root run kill create", "other"},
    {"--root --log create --bundle B id", "create bundle=B id=id"},

    // Where errors go.
    {"--log L create --bundle B id", "create bundle=B id=id log=L"},
    {"--log A --log B create --bundle B id", "create bundle=B id=id log=B"},
    {"--log L --log-format json create --bundle B id", "create bundle=B id=id log=L json"},
    {"--log-format=json --log=L create --bundle B id", "create bundle=B id=id log=L json"},
    {"--log-format json --log-format text create id", "create bundle=. id=id"},
    {"--log '' create id", "create bundle=. id=id"},

    // Flags no table has. A following verb shows that a global one takes no value.
    {"--new create --bundle B id", "create bundle=B id=id"},
    {"--new state create", "other"},
    {"--new kill create", "other"},
    {"--new X create --bundle B id", "create bundle=B id=id"},
    {"--new=X create --bundle B id", "create bundle=B id=id"},
    {"--new=create run --bundle B id", "run bundle=B id=id"},
    {"--new --log L create --bundle B id", "create bundle=B id=id log=L"},
    {"-n create --bundle B id", "create bundle=B id=id"},
    {"--new", "other"},
    {"create --new --bundle B id", "create bundle=B id=id"},
    {"create --new X --bundle B id", "create bundle=B id=id"},
    {"create --new=X --bundle B id", "create bundle=B id=id"},
    {"create --bundle B --new X id", "create bundle=B id=id"},
    {"create --bundle B --new id", "create bundle=B id=id"},
    {"create --bundle B -n id", "create bundle=B id=id"},
    {"create --bundle B --new -- id", "create bundle=B id=id"},
    {"create --bundle B --new", "create bundle=B id="},

    // What containerd (go-runc), conmon, podman and docker send.
    {"--root /run/containerd/runc/k8s.io --log /b/log.json --log-format json --systemd-cgroup create "
     "--bundle /b "
     "--pid-file /b/init.pid 6f0c",
     "create bundle=/b id=6f0c log=/b/log.json json"},
    {"--root /run/containerd/runc/k8s.io --debug --log /b/log.json --log-format json --rootless=false create "
     "--bundle /b --pid-file /b/init.pid --console-socket /tmp/pty/pty.sock --no-pivot --no-new-keyring "
     "--preserve-fds 2 6f0c",
     "create bundle=/b id=6f0c log=/b/log.json json"},
    {"--root /run/containerd/runc/k8s.io --log /b/log.json --log-format json start 6f0c", "other"},
    {"--root /run/containerd/runc/k8s.io --log /b/log.json --log-format json delete --force 6f0c", "other"},
    {"--root /run/containerd/runc/k8s.io --log /b/log.json --log-format json exec --process "
     "/tmp/runc-process1 "
     "--detach --pid-file /b/1.pid 6f0c",
     "other"},
    {"list --format=json", "other"},
    {"update --resources=- id", "other"},
    {"--systemd-cgroup --root=/run/runc create --bundle /c/userdata --pid-file /c/userdata/pidfile id",
     "create bundle=/c/userdata id=id"},
    {"--systemd-cgroup restore --bundle /c/userdata --pid-file /p --detach --image-path /i --work-path /w id",
     "restore bundle=/c/userdata id=id"},
    {"create --bundle /c/userdata --pid-file /p --console-socket /tmp/conmon-term.X id",
     "create bundle=/c/userdata id=id"},
    {"--root /var/run/docker/runtime-runc/moby --log /b/log.json --log-format json create --bundle /b "
     "--pid-file /b/init.pid 77b1",
     "create bundle=/b id=77b1 log=/b/log.json json"},
};

constexpr Case kRunc[] = {
    {"create -bundle B id", "create bundle=B id=id"},
    {"create -bundle=B id", "create bundle=B id=id"},
    {"create --b B id", "create bundle=B id=id"},
    {"create --b=B id", "create bundle=B id=id"},
    {"create -b=B id", "create bundle=B id=id"},
    {"create -b= id", "create bundle=. id=id"},
    {"-log L -log-format json create id", "create bundle=. id=id log=L json"},

    // Flags after the id.
    {"create id --bundle B", "create bundle=B id=id"},
    {"create id -b=B", "create bundle=B id=id"},
    {"create --pid-file P id --bundle B", "create bundle=B id=id"},
    {"create --no-pivot id --bundle B", "create bundle=B id=id"},
    {"create id -- --bundle B", "create bundle=. id=id"},
    {"create id --help", "other"},

    // Booleans never take the next word.
    {"--debug=false create -b B id", "create bundle=B id=id"},
    {"--systemd-cgroup=true run -d=true -b B id", "run bundle=B id=id"},
    {"--help=false create -b B id", "create bundle=B id=id"},
    {"create -h=0 -b B id", "create bundle=B id=id"},
    {"create --help=true -b B id", "other"},
    {"create -h -b B id", "other"},
    {"-h create -b B id", "other"},

    // cli v3: global flags after the verb.
    {"create --log L --log-format json --debug --bundle B id", "create bundle=B id=id log=L json"},
    {"create --bundle B id --root /r --log=L", "create bundle=B id=id log=L"},

    // No abbreviation, no cluster, and nothing of crun's.
    {"create --bun X --bundle B id", "create bundle=B id=id"},
    {"create -bX --bundle B id", "create bundle=B id=id"},
    {"run -db X --bundle B id", "run bundle=B id=id"},
    {"create --config F --bundle B id", "create bundle=B id=id"},
    {"create -f F --bundle B id", "create bundle=B id=id"},
    {"--HANG create --bundle B id", "create bundle=B id=id"},
    {"--log file:L create id", "create bundle=. id=id log=file:L"},

    // What does not parse in Go must not lead astray either.
    {"create ---bundle X --bundle B id", "create bundle=B id=id"},
    {"create -=X --bundle B id", "create bundle=B id=id"},

    // go-runc's restore.
    {"restore --image-path I --work-path W -no-subreaper --bundle B id", "restore bundle=B id=id"},

    // youki and runsc.
    {"-l L -r /run/youki --log-level info create --bundle B --pid-file P id", "create bundle=B id=id log=L"},
    {"-s --log-level debug create -b B -p P -c S id", "create bundle=B id=id"},
    {"-network host -strace create -bundle B -pid-file P -user-log U id", "create bundle=B id=id"},
};

constexpr Case kCrun[] = {
    {"create -bB id", "create bundle=B id=id"},
    {"create -b=B id", "create bundle==B id=id"},
    {"create -bundle X id", "create bundle=undle id=X"},
    {"create --bundle B id --bundle X", "create bundle=B id=id"},
    {"create id --bundle X", "create bundle=. id=id"},
    {"create id --help", "create bundle=. id=id"},
    {"create -b -f id", "create bundle=-f id=id"},
    {"create -b -b -bB id", "create bundle=B id=id"},

    // Clusters.
    {"run -db B id", "run bundle=B id=id"},
    {"run -dbB id", "run bundle=B id=id"},
    {"run -ddbd id", "run bundle=d id=id"},
    {"run -bd id", "run bundle=d id=id"},
    {"run -dfF -b B id", "run bundle=B config=F id=id"},
    {"restore -db B id", "restore bundle=B id=id"},
    {"create -xb B id", "create bundle=. id=B"},
    {"create -V -b B id", "other"},
    {"create -? -b B id", "other"},
    {"-V create -b B id", "other"},
    {"run -d? -b B id", "other"},

    // Abbreviations; an exact name wins over the longer one it begins.
    {"create --bun B id", "create bundle=B id=id"},
    {"create --b=B id", "create bundle=B id=id"},
    {"--roo /r create --bundle B id", "create bundle=B id=id"},
    {"--root create create --bundle B id", "create bundle=B id=id"},
    {"--rootless create create --bundle B id", "create bundle=B id=id"},
    {"--roo create create --bundle B id", "create bundle=B id=id"},
    {"--cg create create --bundle B id", "create bundle=B id=id"},
    {"--log L --log-f json create id", "create bundle=. id=id log=L json"},
    {"--log L --log- json create id", "create bundle=. id=id log=L json"},
    {"--log-level debug --log L create id", "create bundle=. id=id log=L"},
    {"--sys create -b B id", "create bundle=B id=id"},
    {"create --pid P -b B id", "create bundle=B id=id"},
    {"create --prog P -b B id", "create bundle=B id=id"},
    {"create --no-p -b B id", "create bundle=B id=id"},
    {"run --det --bund B id", "run bundle=B id=id"},
    {"run --k -b B id", "run bundle=B id=id"},
    {"restore --con S -b B id", "restore bundle=B id=id"},
    {"restore --conf -b B id", "restore bundle=B id=id"},
    {"restore --net nftables -b B id", "restore bundle=B id=id"},
    {"restore --tcp- --lsm-p L -b B id", "restore bundle=B id=id"},
    {"create --he -b B id", "other"},
    {"--us create -b B id", "other"},
    {"--vers create -b B id", "other"},

    // --config, which is not inside the bundle.
    {"create --config F id", "create bundle=. config=F id=id"},
    {"create --config=F --bundle B id", "create bundle=B config=F id=id"},
    {"create -fF -b B id", "create bundle=B config=F id=id"},
    {"create -f F --conf G -b B id", "create bundle=B config=G id=id"},
    {"run -f F id", "run bundle=. config=F id=id"},
    {"run --config config.json -b B id", "run bundle=B id=id"},
    {"create -f F -f config.json -b B id", "create bundle=B id=id"},
    {"create -f ./config.json -b B id", "create bundle=B config=./config.json id=id"},

    // argp's own.
    {"--program-name create create -b B id", "create bundle=B id=id"},
    {"create --program-name run -b B id", "create bundle=B id=id"},
    {"--HANG create --HANG -b B id", "create bundle=B id=id"},
    {"--HANG=1 create --HANG=1 -b B id", "create bundle=B id=id"},

    // The sinks of crun's log.
    {"--log file:L create id", "create bundle=. id=id log=L"},
    {"--log file:a:b create id", "create bundle=. id=id log=a:b"},
    {"--log syslog:me create id", "create bundle=. id=id"},
    {"--log journald:me create id", "create bundle=. id=id"},

    // Unlike cli v3, crun knows no global flags after the verb.
    {"create --log L --bundle B id", "create bundle=B id=id"},
};

INSTANTIATE_TEST_SUITE_P(CommonLines, RuncCommandLine, testing::ValuesIn(kBoth));
INSTANTIATE_TEST_SUITE_P(CommonLines, CrunCommandLine, testing::ValuesIn(kBoth));
INSTANTIATE_TEST_SUITE_P(OwnLines, RuncCommandLine, testing::ValuesIn(kRunc));
INSTANTIATE_TEST_SUITE_P(OwnLines, CrunCommandLine, testing::ValuesIn(kCrun));

// Every flag of every table, once with what it takes: the flags after it must still be read.
struct Table {
  Dialect dialect;
  std::string_view verb;  // empty: a global flag
  std::vector<std::string_view> with_value;
  std::vector<std::string_view> booleans;
};

std::vector<Table> tables() {
  return {
      {Dialect::runc,
       "",
       {"--log", "--log-format", "--root", "--rootless", "--criu"},
       {"--debug", "--systemd-cgroup"}},
      {Dialect::runc,
       "create",
       {"--console-socket", "--pidfd-socket", "--pid-file", "--preserve-fds"},
       {"--no-pivot", "--no-new-keyring"}},
      {Dialect::runc,
       "run",
       {"--console-socket", "--pidfd-socket", "--pid-file", "--preserve-fds"},
       {"--no-pivot", "--no-new-keyring", "--detach", "-d", "--keep", "--no-subreaper"}},
      {Dialect::runc,
       "restore",
       {"--console-socket", "--image-path", "--work-path", "--manage-cgroups-mode", "--pid-file",
        "--empty-ns", "--lsm-profile", "--lsm-mount-context"},
       {"--tcp-established", "--ext-unix-sk", "--shell-job", "--file-locks", "--detach", "-d",
        "--no-subreaper", "--no-pivot", "--auto-dedup", "--lazy-pages"}},
      {Dialect::crun,
       "",
       {"--log", "--log-format", "--log-level", "--root", "--rootless", "--cgroup-manager", "--program-name"},
       {"--debug", "--systemd-cgroup", "--HANG"}},
      {Dialect::crun,
       "create",
       {"--config", "-f", "--console-socket", "--preserve-fds", "--pid-file", "--program-name"},
       {"--no-pivot", "--no-subreaper", "--no-new-keyring", "--HANG"}},
      {Dialect::crun,
       "run",
       {"--config", "-f", "--console-socket", "--preserve-fds", "--pid-file", "--program-name"},
       {"--no-pivot", "--no-subreaper", "--no-new-keyring", "--detach", "-d", "--keep", "--HANG"}},
      {Dialect::crun,
       "restore",
       {"--image-path", "--work-path", "--pid-file", "--console-socket", "--manage-cgroups-mode",
        "--lsm-profile", "--lsm-mount-context", "--network-lock", "--program-name"},
       {"--tcp-established", "--tcp-close", "--ext-unix-sk", "--shell-job", "--detach", "-d", "--file-locks",
        "--HANG"}},
  };
}

std::string_view bundle_of(const std::vector<const char*>& args, Dialect dialect) {
  const CommandLine line = parse_command_line(args, dialect);
  return line.verb == Verb::other ? "" : line.bundle;
}

TEST(CommandLineTables, AFlagWithAValueTakesWhateverFollows) {
  for (const Table& table : tables()) {
    const std::string verb(table.verb.empty() ? "create" : table.verb);
    for (const std::string_view name : table.with_value) {
      for (const char* value : {"create", "--bundle", "--", "-d", ""}) {
        const std::string flag(name);
        std::vector<const char*> args = {flag.c_str(), value};
        args.insert(table.verb.empty() ? args.end() : args.begin(), verb.c_str());
        args.insert(args.end(), {"--bundle", "B", "id"});
        EXPECT_EQ(bundle_of(args, table.dialect), "B") << table.verb << ' ' << name << ' ' << value;
      }
    }
  }
}

TEST(CommandLineTables, ABooleanTakesNothing) {
  for (const Table& table : tables()) {
    const std::string verb(table.verb.empty() ? "create" : table.verb);
    for (const std::string_view name : table.booleans) {
      const std::string flag(name);
      // To a flag that takes a word, the verb or the dashes would be it.
      std::vector<const char*> args = {flag.c_str()};
      args.insert(table.verb.empty() ? args.end() : args.begin(), verb.c_str());
      std::vector<const char*> with_id_next = args;
      args.insert(args.end(), {"--bundle", "B", "id"});
      EXPECT_EQ(bundle_of(args, table.dialect), "B") << table.verb << ' ' << name;
      if (table.verb.empty()) continue;
      with_id_next.insert(with_id_next.end(), {"id", "other"});
      EXPECT_EQ(parse_command_line(with_id_next, table.dialect).container_id, "id")
          << table.verb << ' ' << name;
    }
  }
}

TEST(DialectOf, IsJudgedByTheBaseName) {
  for (const char* path : {"crun", "/usr/bin/crun", "krun", "/a/crun-wasm", "crun-"}) {
    EXPECT_EQ(dialect_of(path), Dialect::crun) << path;
  }
  for (const char* path :
       {"runc", "/usr/sbin/runc", "/crun/runc", "", "/", "crunch", "mycrun", "youki", "/opt/runsc"}) {
    EXPECT_EQ(dialect_of(path), Dialect::runc) << path;
  }
}

TEST(NamesAHandler, IsTrueOfTheNamesThatMakeCrunChooseOne) {
  for (const char* program : {"krun", "crun-wasm", "crun-"}) EXPECT_TRUE(names_a_handler(program)) << program;
  for (const char* program : {"crun", "runc", "krun-1", "", "mycrun-wasm"}) {
    EXPECT_FALSE(names_a_handler(program)) << program;
  }
}

TEST(ParseCommandLine, TheWordsAreViewsIntoTheArguments) {
  const std::vector<const char*> args = {"create", "--bundle=/b", "id"};
  const CommandLine line = parse_command_line(args, Dialect::runc);
  EXPECT_EQ(line.bundle.data(), args[1] + 9);
  EXPECT_EQ(line.container_id.data(), args[2]);
}

}  // namespace
}  // namespace runi
