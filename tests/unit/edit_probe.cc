// Makes the edits of engines' files, for the programs that read them to judge. Prints what is to be done in
// the first line, and after it the bytes.
//
//     edit_probe add containerd VERSION PROGRAM DEFAULT MAIN [IMPORTED...]
//     edit_probe new containerd VERSION PROGRAM DEFAULT MAIN
//     edit_probe add docker|podman PROGRAM FILE...
//     edit_probe remove containerd FILE... | docker PROGRAM FILE | podman FILE...
//     edit_probe compare BEFORE AFTER [FILE...]
//
// VERSION is what `containerd --version` prints, DEFAULT a file of what `containerd config default` does, and
// BEFORE and AFTER of what `containerd config dump` does.
#include "runictl/engines/containerd_edit.h"
#include "runictl/engines/docker_edit.h"
#include "runictl/engines/drop_in.h"
#include "runictl/engines/effective.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace runi;
using Arguments = std::span<const std::string>;

const std::string kHandler = "runi";

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<ConfigFile> read_all(Arguments paths) {
  std::vector<ConfigFile> files;
  for (const std::string& path : paths) files.push_back({path, read(path)});
  return files;
}

int print(const Edit& edit) {
  if (const auto* write = std::get_if<WriteFile>(&edit)) {
    std::printf("%s %s\n", write->is_new ? "new" : "write", write->path.c_str());
    std::fwrite(write->text.data(), 1, write->text.size(), stdout);
  } else if (const auto* remove = std::get_if<RemoveFile>(&edit)) {
    std::printf("remove %s\n", remove->path.c_str());
  } else if (const auto* refusal = std::get_if<Refusal>(&edit)) {
    std::printf("refused %s\n", refusal->line().c_str());
  } else {
    std::printf("unchanged\n");
  }
  return 0;
}

int add_containerd(bool is_new, Arguments arguments) {
  const auto merging = merging_of(arguments[0]);
  if (!merging) return 2;
  ContainerdSetup setup;
  setup.main = {arguments[3], read(arguments[is_new ? 2 : 3])};
  setup.main_exists = !is_new;
  setup.merging = *merging;
  setup.defaults = read(arguments[2]);
  if (!is_new) setup.imported = read_all(arguments.subspan(4));
  return print(add_to_containerd(setup, {kHandler, arguments[1], ""}));
}

int compare(Arguments arguments) {
  const auto files = read_all(arguments.first(2));
  const auto change = change_of_containerd(files[0], files[1], kHandler, arguments.subspan(2));
  if (!change) {
    std::printf("error %s\n", change.error().what.c_str());
    return 1;
  }
  for (const std::string& path : change->ours) std::printf("ours %s\n", path.c_str());
  for (const std::string& path : change->others) std::printf("others %s\n", path.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) return 2;
  const Arguments all(words);
  const std::string& action = words[0];
  if (action == "compare") return compare(all.subspan(1));
  const std::string& engine = words[1];
  const Arguments rest = all.subspan(2);
  if (action == "remove") {
    if (engine == "containerd") return print(remove_from_containerd(read_all(rest), kHandler));
    if (engine == "podman") return print(remove_drop_in(read_all(rest), podman_drop_in(kHandler), kHandler));
    return print(remove_from_docker({rest[1], read(rest[1])}, {kHandler, rest[0], ""}));
  }
  if (engine == "containerd") return add_containerd(action == "new", rest);
  const HandlerWanted wanted = {kHandler, rest[0], ""};
  if (engine == "podman") return print(add_to_podman(read_all(rest.subspan(1)), wanted, {}));
  return print(add_to_docker(ConfigFile{rest[1], read(rest[1])}, rest[1], wanted));
}
