#include "runictl/engines/containerd_edit.h"

#include "runictl/engines/effective.h"
#include "runictl/engines/marked_block.h"

#include <gtest/gtest.h>

#include <random>

namespace runi {
namespace {

const HandlerWanted kWanted = {"runi", "/opt/runi/sbin/runi", ""};
const std::string kMain = "/etc/containerd/config.toml";
const std::string kCri1 = "[plugins.cri.containerd.runtimes.";
const std::string kCri2 = "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.";
const std::string kCri3 = "[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.";
const std::string kAnnotations = "  pod_annotations = [\"runi.dev/*\", \"*.runi.dev/*\"]\n";
const std::string kType = "  runtime_type = \"io.containerd.runc.v2\"\n";
const std::string kProgram = "    BinaryName = \"/opt/runi/sbin/runi\"\n";
const std::string kImports = "imports = [\"/etc/containerd/conf.d/*.toml\"]\n";

ContainerdSetup setup(const std::string& main, Merging merging, std::vector<ConfigFile> imported = {}) {
  return {{kMain, main}, true, std::move(imported), merging, false};
}

WriteFile written(const ContainerdSetup& containerd, const HandlerWanted& wanted = kWanted) {
  Edit edit = add_to_containerd(containerd, wanted);
  if (auto* refusal = std::get_if<Refusal>(&edit)) ADD_FAILURE() << refusal->line();
  auto* write = std::get_if<WriteFile>(&edit);
  return write == nullptr ? WriteFile{} : *write;
}

std::string refused(const ContainerdSetup& containerd, const HandlerWanted& wanted = kWanted) {
  const Edit edit = add_to_containerd(containerd, wanted);
  const auto* refusal = std::get_if<Refusal>(&edit);
  return refusal == nullptr ? "" : refusal->line();
}

// The lines of the handler's block in what is written.
std::string block(const WriteFile& write) {
  auto result = part({write.path, write.text}, "runi");
  return std::holds_alternative<Parted>(result) ? std::get<Parted>(result).body.value_or("none") : "refused";
}

std::string handler(const std::string& tables, const std::string& settings = "",
                    const std::string& options = "") {
  return tables + "runi]\n" + kType + settings + kAnnotations + "  " + tables + "runi.options]\n" + kProgram +
         options;
}

TEST(ContainerdEdit, a_drop_in_where_files_are_merged_and_imported) {
  for (const int version : {2, 3, 4}) {
    const std::string head = "version = " + std::to_string(version) + "\n";
    const WriteFile write = written(setup(head + kImports, Merging::migrates_first));
    EXPECT_EQ(write.path, "/etc/containerd/conf.d/runi.toml");
    EXPECT_TRUE(write.is_new);
    EXPECT_EQ(block(write), head + handler(version == 2 ? kCri2 : kCri3));
    EXPECT_EQ(remove_from_containerd(std::vector<ConfigFile>{{write.path, write.text}}, "runi"),
              Edit(RemoveFile{write.path}));
  }
}

TEST(ContainerdEdit, imports_are_relative_to_the_file) {
  EXPECT_EQ(written(setup("version = 3\nimports = ['a.toml', 'x[1]/*.toml', 'conf/*.toml']\n",
                          Merging::merges_first))
                .path,
            "/etc/containerd/conf/runi.toml");
}

TEST(ContainerdEdit, a_block_in_the_main_file_where_no_folder_is_imported) {
  for (const Merging merging : {Merging::merges_first, Merging::migrates_first}) {
    const std::string text = "version = 3\nimports = ['/etc/other.toml']\n# mine";
    const WriteFile write = written(setup(text, merging));
    EXPECT_EQ(write.path, kMain);
    EXPECT_FALSE(write.is_new);
    EXPECT_TRUE(write.text.starts_with(text + "\n# BEGIN runi runi "));
    EXPECT_EQ(block(write), handler(kCri3));
    EXPECT_EQ(remove_from_containerd(std::vector<ConfigFile>{{write.path, write.text}}, "runi"),
              Edit(WriteFile{kMain, text, false}));
  }
}

TEST(ContainerdEdit, containerd_1_gets_a_block_and_the_handler_that_was_built_in) {
  const std::string runc1 = kCri1 + "runc]\n" + kType;
  EXPECT_EQ(block(written(setup("", Merging::replaces))), runc1 + handler(kCri1));
  EXPECT_EQ(block(written(setup("version = 1\n", Merging::replaces))), runc1 + handler(kCri1));
  const std::string runc2 = kCri2 + "runc]\n" + kType;
  EXPECT_EQ(block(written(setup("version = 2\n" + kImports, Merging::replaces))), runc2 + handler(kCri2));
  EXPECT_EQ(block(written(setup("version = 2\n" + runc2, Merging::replaces))), handler(kCri2));
}

TEST(ContainerdEdit, containerd_1_reads_only_the_last_file_that_has_the_table) {
  const ConfigFile imported = {"/etc/containerd/conf.d/a.toml", kCri2 + "runc]\n" + kType};
  const ContainerdSetup both =
      setup("version = 2\n" + kCri2 + "other]\n" + kType, Merging::replaces, {imported});
  const WriteFile write = written(both);
  EXPECT_EQ(write.path, imported.path);
  EXPECT_EQ(block(write), handler(kCri2));
}

TEST(ContainerdEdit, settings_are_those_of_the_default_handler) {
  const std::string text =
      "version = 3\n[plugins.\"io.containerd.cri.v1.runtime\".containerd]\ndefault_runtime_name = 'x'\n" +
      kCri3 + "x]\n" + kType +
      "  base_runtime_spec = '/etc/spec.json'\n  snapshotter = ''\n  pod_annotations = ['a', "
      "'runi.dev/*']\n" +
      kCri3 + "x.options]\nSystemdCgroup = true\nBinaryName = '/x'\nIoUid = 7\nRoot = ''\n" + kCri3 +
      "runc.options]\nSystemdCgroup = false\n";
  EXPECT_EQ(block(written(setup(text, Merging::merges_first))),
            kCri3 + "runi]\n" + kType + "  base_runtime_spec = \"/etc/spec.json\"\n" +
                "  pod_annotations = [\"a\", \"runi.dev/*\", \"*.runi.dev/*\"]\n  " + kCri3 +
                "runi.options]\n" + kProgram + "    IoUid = 7\n    SystemdCgroup = true\n");
  EXPECT_EQ(block(written(setup(text, Merging::merges_first), {"runi", kWanted.program, "runc"})),
            handler(kCri3));
}

TEST(ContainerdEdit, settings_are_merged_as_the_files_are) {
  const ConfigFile imported = {"/etc/containerd/conf.d/a.toml",
                               "version = 3\n" + kCri3 + "runc.options]\nSystemdCgroup = true\n"};
  const std::string main = "version = 3\n" + kImports + kCri3 + "runc.options]\nIoUid = 7\n";
  EXPECT_EQ(block(written(setup(main, Merging::merges_first, {imported}))),
            "version = 3\n" + handler(kCri3, "", "    IoUid = 7\n    SystemdCgroup = true\n"));
}

TEST(ContainerdEdit, the_old_table_of_the_default_counts_in_containerd_1) {
  const std::string text =
      "[plugins.cri.containerd.default_runtime]\nruntime_type = 'io.containerd.runc.v2'\n"
      "[plugins.cri.containerd.default_runtime.options]\nSystemdCgroup = true\n";
  EXPECT_EQ(block(written(setup(text, Merging::replaces))), handler(kCri1, "", "    SystemdCgroup = true\n"));
}

TEST(ContainerdEdit, a_main_file_that_is_missing_is_written_as_short_as_can_be) {
  ContainerdSetup containerd = {{kMain, "version = 2\nimports = []\n" + kCri2 + "runc]\n" + kType},
                                false,
                                {},
                                Merging::replaces,
                                false};
  const WriteFile write = written(containerd);
  EXPECT_EQ(write.path, kMain);
  EXPECT_TRUE(write.is_new);
  EXPECT_EQ(block(write), "version = 2\n" + kCri2 + "runc]\n" + kType + handler(kCri2));
}

TEST(ContainerdEdit, a_main_file_that_is_missing_may_import_a_folder_all_the_same) {
  const ContainerdSetup containerd = {
      {kMain, "version = 4\n" + kImports}, false, {}, Merging::migrates_first, false};
  const WriteFile write = written(containerd);
  EXPECT_EQ(write.path, "/etc/containerd/conf.d/runi.toml");
  EXPECT_EQ(block(write), "version = 4\n" + handler(kCri3));
}

TEST(ContainerdEdit, a_second_time_there_is_nothing_to_do) {
  for (const std::string& main : {"version = 3\n" + kImports, std::string("version = 3")}) {
    const ContainerdSetup before = setup(main, Merging::merges_first);
    const WriteFile write = written(before);
    ContainerdSetup after = before;
    if (write.is_new) {
      after.imported.push_back({write.path, write.text});
    } else {
      after.main.text = write.text;
    }
    EXPECT_EQ(add_to_containerd(after, kWanted), Edit(Unchanged{}));
    const WriteFile moved = written(after, {"runi", "/other", ""});
    EXPECT_EQ(moved.path, write.path);
    EXPECT_NE(block(moved).find("\"/other\""), std::string::npos);
    EXPECT_FALSE(moved.is_new);
  }
}

TEST(ContainerdEdit, a_second_time_there_is_nothing_to_do_in_a_main_file_of_our_own) {
  const ContainerdSetup before = {{kMain, "version = 2\n"}, false, {}, Merging::replaces, false};
  const WriteFile write = written(before);
  EXPECT_EQ(add_to_containerd(setup(write.text, Merging::replaces), kWanted), Edit(Unchanged{}));
  EXPECT_EQ(remove_from_containerd(std::vector<ConfigFile>{{kMain, write.text}}, "runi"),
            Edit(RemoveFile{kMain}));
}

TEST(ContainerdEdit, follows_the_main_file_to_another_version) {
  const WriteFile write = written(setup("version = 2\n" + kImports, Merging::merges_first));
  const WriteFile again =
      written(setup("version = 3\n" + kImports, Merging::merges_first, {{write.path, write.text}}));
  EXPECT_EQ(again.path, write.path);
  EXPECT_EQ(block(again), "version = 3\n" + handler(kCri3));
}

struct Case {
  const char* name;
  ContainerdSetup containerd;
  std::string words;  // that the refusal begins with
};

TEST(ContainerdEdit, refuses) {
  const std::string three = "version = 3\n";
  const std::string inline_runtimes =
      "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd]\n"
      "runtimes = { runc = { runtime_type = 'io.containerd.runc.v2' } }\n";
  ContainerdSetup rendered = setup(three, Merging::merges_first);
  rendered.rendered = true;
  ContainerdSetup rendered_1 = setup("version = 2\n" + kImports, Merging::replaces);
  rendered_1.rendered = true;
  const Case cases[] = {
      {"not TOML", setup("a = 1\n[", Merging::merges_first), kMain + ":2: not valid TOML: "},
      {"theirs", setup(three + kCri3 + "runi]\n", Merging::merges_first),
       kMain + ":2: there is a handler \"runi\" that runictl has not added; remove it"},
      {"theirs elsewhere",
       setup(three + kImports, Merging::merges_first, {{"/a", three + kCri3 + "runi]\n"}}),
       "/a:2: there is a handler"},
      {"their file",
       setup(three + kImports, Merging::merges_first, {{"/etc/containerd/conf.d/runi.toml", ""}}),
       "/etc/containerd/conf.d/runi.toml: somebody else's file"},
      {"inline", setup(inline_runtimes, Merging::merges_first),
       kMain + ":3: the table that is to have the handler"},
      {"no table", setup(three + "plugins = 1\n", Merging::merges_first), kMain + ":2: the table that"},
      {"disabled", setup("disabled_plugins = [\"cri\"]\n", Merging::replaces),
       kMain + ":1: disabled_plugins names"},
      {"unknown version", setup(three, Merging::replaces),
       kMain + ": containerd 1.x is not known to read files of version 3; write it in version 2"},
      {"later version", setup("version = 5\n", Merging::migrates_first),
       kMain + ": containerd 2.3 and later is not"},
      {"version 4", setup("version = 4\n", Merging::merges_first),
       kMain + ": containerd 2.0 to 2.2 is not known"},
      {"mixed", setup("version = 2\n" + kImports, Merging::merges_first, {{"/a", three}}),
       "/a: this file is of version 3, and " + kMain + " of version 2: containerd 2.0 to 2.2 does not take"},
      {"mixed downwards", setup(three + kImports, Merging::merges_first, {{"/a", "version = 2\n"}}),
       "/a: this file"},
      {"import later than main", setup("version = 2\n" + kImports, Merging::migrates_first, {{"/a", three}}),
       "/a: this file is of version 3"},
      {"no version", setup("", Merging::merges_first),
       kMain + ": containerd 2.0 to 2.2 drops the CRI section"},
      {"rendered", rendered,
       kMain + ": this file is written anew at each start, and it imports no folder; add imports = "
               "[\"/etc/containerd/config-v3.toml.d/*.toml\"] at the beginning of "
               "/etc/containerd/config-v3.toml.tmpl, and restart the distribution"},
      {"rendered 1.x", rendered_1,
       kMain + ": this file is written anew at each start, and containerd 1.x would"},
      {"default missing", setup("version = 2\n" + kCri2 + "x]\n" + kType, Merging::replaces),
       kMain + ": there is no handler \"runc\" whose settings"},
      {"other type",
       setup(three + kCri3 + "runc]\nruntime_type = 'io.containerd.kata.v2'\n", Merging::merges_first),
       kMain + ":2: the handler \"runc\" is not of runtime_type"},
  };
  for (const Case& each : cases) {
    EXPECT_TRUE(refused(each.containerd).starts_with(each.words))
        << each.name << ": " << refused(each.containerd);
  }
  const ContainerdSetup fine = setup(three, Merging::merges_first);
  EXPECT_NE(refused(fine, {"runi\n", "/x", ""}), "");
  EXPECT_NE(refused(fine, {"", "/x", ""}), "");
  EXPECT_NE(refused(fine, {"runi", "x", ""}), "");
  EXPECT_NE(refused(fine, {"runi", "/x", "missing"}), "");
}

TEST(ContainerdEdit, older_files_among_the_imports_do_no_harm_where_each_is_migrated) {
  EXPECT_EQ(
      block(written(setup("version = 3\n" + kImports, Merging::migrates_first,
                          {{"/a", "version = 2\n" + kCri2 + "runc.options]\nSystemdCgroup = true\n"}}))),
      "version = 3\n" + handler(kCri3, "", "    SystemdCgroup = true\n"));
}

TEST(ContainerdEdit, a_block_that_was_changed_is_neither_replaced_nor_removed) {
  WriteFile write = written(setup("version = 3\n", Merging::merges_first));
  write.text.replace(write.text.find("/opt"), 4, "/usr");
  EXPECT_NE(refused(setup(write.text, Merging::merges_first), kWanted).find("somebody has changed"),
            std::string::npos);
  const Edit edit = remove_from_containerd(std::vector<ConfigFile>{{kMain, write.text}}, "runi");
  EXPECT_TRUE(std::holds_alternative<Refusal>(edit));
}

TEST(ContainerdEdit, keys_that_were_appended_to_the_block_are_not_given_to_another_table) {
  WriteFile write = written(setup("version = 3\n[grpc]\n", Merging::merges_first));
  write.text += "address = '/x'\n";
  Edit edit = remove_from_containerd(std::vector<ConfigFile>{{kMain, write.text}}, "runi");
  ASSERT_TRUE(std::holds_alternative<Refusal>(edit));
  EXPECT_NE(std::get<Refusal>(edit).line().find("there are keys after the block"), std::string::npos);
}

TEST(ContainerdEdit, the_default_is_not_removed) {
  const WriteFile write = written(setup("version = 3\n", Merging::merges_first));
  const std::string text =
      "[plugins.\"io.containerd.cri.v1.runtime\".containerd]\ndefault_runtime_name = \"runi\"\n";
  const Edit edit =
      remove_from_containerd(std::vector<ConfigFile>{{kMain, text + write.text.substr(12)}}, "runi");
  ASSERT_TRUE(std::holds_alternative<Refusal>(edit));
  EXPECT_EQ(std::get<Refusal>(edit).line(),
            kMain + ":2: default_runtime_name is \"runi\"; choose another default first");
}

// A valid file of lines as people and programs write them.
ConfigFile generated(std::mt19937& random) {
  const auto pick = [&random](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  const std::vector<std::string> keys = {"root = '/var/lib/containerd'",
                                         "oom_score = -999 # low",
                                         "  state=\"/run/\\u0063ontainerd\"",
                                         "\"quoted key\" = '''\n# BEGIN nothing\n'''",
                                         "required_plugins = [ 'a', # one\n  \"b\",\n]",
                                         "when = 1979-05-27T07:32:00.5-08:00",
                                         "real = 1e3",
                                         "a.\"b c\".d = { e = 1, 'f' = [{}] }"};
  const std::string cri =
      pick(2) == 0 ? "plugins.'io.containerd.grpc.v1.cri'" : "plugins.\"io.containerd.grpc.v1.cri\"";
  const std::string runc = "[" + cri + ".containerd.runtimes.runc";
  const std::vector<std::string> tables = {
      "[grpc]\n\taddress = '/run/x.sock'",
      "[ " + cri + " ]\nsandbox_image = \"é\" # pause",
      runc + "]\n  runtime_type = 'io.containerd.runc.v2'\n  " + runc + ".options]\n    SystemdCgroup=true",
      "[" + cri + ".cni]\nbin_dir = '''/opt/cni'''",
      "[[ stream ]]\nx = 1\n[[stream]]",
      "[plugins.\"io.containerd.gc.v1.scheduler\"]\n  pause_threshold = 0.02"};
  std::string text = pick(4) == 0 ? "" : "version = 2\n";
  for (const auto* lines : {&keys, &tables}) {
    for (const std::string& line : *lines) {
      if (pick(3) == 0) text += "# " + std::string(pick(9), '#') + "\n\n";
      if (pick(2) == 0) text += line + "\n";
    }
  }
  if (pick(3) == 0 && text.ends_with('\n')) text.pop_back();
  if (pick(3) == 0) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  }
  return {kMain, text};
}

TEST(ContainerdEdit, every_byte_and_value_of_any_file_stays) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const ConfigFile file = generated(random);
    const TomlDocument before = parse_toml(file);
    ASSERT_EQ(before.error, "") << file.text;
    const bool first = before.root.member("version") == nullptr;
    const Edit edit =
        add_to_containerd(setup(file.text, first ? Merging::replaces : Merging::merges_first), kWanted);
    if (const auto* refusal = std::get_if<Refusal>(&edit)) FAIL() << refusal->line() << "\n" << file.text;
    const auto& write = std::get<WriteFile>(edit);
    ASSERT_TRUE(write.text.starts_with(file.text));
    const TomlDocument after = parse_toml({write.path, write.text});
    ASSERT_EQ(after.error, "") << write.text;
    const std::string table = first ? "plugins cri" : "plugins io.containerd.grpc.v1.cri";
    for (const auto& path : differing_paths(before.root, after.root)) {
      ASSERT_GE(path.size(), 5U) << path.back();
      EXPECT_EQ(path[0] + " " + path[1] + " " + path[2] + " " + path[3], table + " containerd runtimes");
      EXPECT_TRUE(path[4] == "runi" || (first && path[4] == "runc"));
    }
    ASSERT_EQ(remove_from_containerd(std::vector<ConfigFile>{{write.path, write.text}}, "runi"),
              Edit(WriteFile{kMain, file.text, false}))
        << write.text;
  }
}

TEST(ContainerdEdit, nothing_is_removed_where_nothing_was_added) {
  EXPECT_EQ(remove_from_containerd(std::vector<ConfigFile>{{kMain, "version = 3\n"}}, "runi"),
            Edit(Unchanged{}));
}

TEST(ContainerdEdit, the_default_is_in_the_block) {
  HandlerWanted wanted = kWanted;
  wanted.is_default = true;
  const std::string table = "[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n";
  const std::string line = "default_runtime_name = \"runi\"\n";
  for (const Merging merging : {Merging::replaces, Merging::merges_first, Merging::migrates_first}) {
    const ContainerdSetup containerd = setup("version = 2\n", merging);
    const WriteFile write = written(containerd, wanted);
    EXPECT_NE(write.text.find(table + "  " + line), std::string::npos) << write.text;
    EXPECT_EQ(parse_toml({kMain, write.text}).error, "");
    EXPECT_EQ(add_to_containerd(setup(write.text, merging), wanted), Edit(Unchanged{}));
    EXPECT_EQ(remove_from_containerd(std::vector<ConfigFile>{{kMain, write.text}}, "runi"),
              Edit(WriteFile{kMain, "version = 2\n", false}));
  }
  const std::string chosen =
      "version = 2\n" + kImports + table + "default_runtime_name = \"x\"\n" + kCri2 + "x]\n" + kType;
  EXPECT_TRUE(refused(setup(chosen, Merging::replaces), wanted)
                  .starts_with(kMain + ":4: default_runtime_name is set"));
  EXPECT_EQ(written(setup(chosen, Merging::merges_first), wanted).path, "/etc/containerd/conf.d/runi.toml");
}

TEST(ContainerdEdit, the_table_of_the_default_is_a_person_s) {
  HandlerWanted wanted = kWanted;
  wanted.is_default = true;
  const std::string table = "[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n";
  const std::string text = "version = 2\n" + table + "snapshotter = \"native\"\n" + kCri2 + "runc]\n" + kType;
  for (const Merging merging : {Merging::replaces, Merging::merges_first, Merging::migrates_first}) {
    EXPECT_EQ(
        refused(setup(text, merging), wanted),
        kMain +
            ":2: default_runtime_name belongs in this table, and a person has to write it; install without "
            "--set-default, and then write default_runtime_name = \"runi\" there");
    const std::string block = written(setup(text, merging)).text;
    EXPECT_EQ(refused(setup(block, merging), wanted).substr(0, kMain.size() + 2), kMain + ":2");
  }
  // Its subtable does not make it one.
  EXPECT_NE(
      written(setup("version = 2\n" + kCri2 + "runc]\n" + kType, Merging::replaces), wanted).text.find(table),
      std::string::npos);
}

TEST(ContainerdEdit, a_person_may_have_made_it_the_default) {
  const std::string chosen =
      "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\ndefault_runtime_name = \"runi\"\n";
  const WriteFile write = written(setup(chosen, Merging::merges_first));
  EXPECT_EQ(add_to_containerd(setup(write.text, Merging::merges_first), kWanted), Edit(Unchanged{}));
}

TEST(ContainerdEdit, a_folder_that_is_read_without_being_imported) {
  const std::string main = "version = 3\nimports = [\"/run/k0s/containerd-cri.toml\"]\n";
  ContainerdSetup k0s = setup("# k0s_managed=true\n" + main, Merging::merges_first);
  k0s.rendered = true;
  k0s.drop_ins = "/etc/k0s/containerd.d";
  const WriteFile write = written(k0s);
  EXPECT_EQ(write.path, "/etc/k0s/containerd.d/runi.toml");
  EXPECT_NE(write.text.find("version = 3\n"), std::string::npos);
  k0s.main.text = main;
  EXPECT_EQ(refused(k0s), kMain +
                              ": this file does not begin with # k0s_managed=true, and it imports no folder; "
                              "add imports = [\"/etc/k0s/containerd.d/*.toml\"] to it, and restart k0s");
}

TEST(ContainerdEdit, the_runtime_of_the_handler_that_it_is_like) {
  const std::string text =
      "version = 2\n" + kCri2 + "runc]\n" + kType + kCri2 + "runc.options]\nBinaryName = \"/x/crun\"\n";
  EXPECT_EQ(runtime_of_containerd(setup(text, Merging::replaces), kWanted), "/x/crun");
  EXPECT_EQ(runtime_of_containerd(setup("version = 2\n", Merging::replaces), kWanted), "");
}

}  // namespace
}  // namespace runi
