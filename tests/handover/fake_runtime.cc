// A runtime that only writes down what it was handed: its arguments, environment, descriptors and all else
// that a process keeps over execve. What it saw goes to <its own path>.record, as JSON whose strings hold one
// byte as one character; the bundle it looks at is the folder `bundle` beside it. It ends with status 43.
#include <dirent.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

namespace {

constexpr int kStatus = 43;

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    char escaped[7];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e || c == '"' || c == '\\') {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      text += escaped;
    } else {
      text += c;
    }
  }
  return text + '"';
}

std::string list_of(char** words) {
  std::string text = "[";
  for (char** word = words; *word != nullptr; ++word) {
    if (word != words) text += ", ";
    text += quoted(*word);
  }
  return text + "]";
}

std::string link_target(const std::string& path) {
  char target[4096];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Each open descriptor with where it leads, its offset and its flags. Call it before anything else is opened.
std::string descriptors() {
  std::map<int, std::string> open;
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return "{}";
  while (const dirent* entry = readdir(folder)) {
    const int fd = static_cast<int>(std::strtol(entry->d_name, nullptr, 10));
    if (entry->d_name[0] == '.' || fd == dirfd(folder)) continue;
    open[fd] = link_target("/proc/self/fd/" + std::to_string(fd));
  }
  closedir(folder);

  std::string text = "{";
  for (const auto& [fd, target] : open) {
    const std::string number = std::to_string(fd);
    const std::string info = contents("/proc/self/fdinfo/" + number);
    if (text.size() > 1) text += ", ";
    text += quoted(number) + ": " + quoted(target + '\n' + info.substr(0, info.find("mnt_id")));
  }
  return text + "}";
}

// The lines of /proc/self/status about what execve keeps, not about memory and time.
std::string status() {
  static constexpr std::string_view kKept[] = {
      "Umask",  "TracerPid", "Uid",    "Gid", "Groups",     "Threads", "SigPnd",           "ShdPnd",
      "SigBlk", "SigIgn",    "SigCgt", "Cap", "NoNewPrivs", "Seccomp", "Cpus_allowed_list"};
  std::ifstream file("/proc/self/status");
  std::string text;
  for (std::string line; std::getline(file, line);) {
    for (const std::string_view name : kKept) {
      if (line.starts_with(name)) text += line + '\n';
    }
  }
  return text;
}

int death_signal() {
  int signal = 0;
  prctl(PR_GET_PDEATHSIG, &signal);
  return signal;
}

int is_subreaper() {
  int subreaper = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  return subreaper;
}

}  // namespace

int main(int /*argc*/, char** argv) {
  const std::string fds = descriptors();
  const std::string self = link_target("/proc/self/exe");
  const std::string folder = self.substr(0, self.rfind('/'));
  std::string record = "{\"fds\": " + fds;
  const auto add = [&](const char* key, const std::string& json) {
    record += ",\n" + quoted(key) + ": " + json;
  };
  add("argv", list_of(argv));
  add("environ", list_of(environ));
  add("cwd", quoted(link_target("/proc/self/cwd")));
  add("pid", std::to_string(getpid()));
  add("ppid", std::to_string(getppid()));
  add("pgid", std::to_string(getpgrp()));
  add("sid", std::to_string(getsid(0)));
  add("pdeathsig", std::to_string(death_signal()));
  add("subreaper", std::to_string(is_subreaper()));
  add("timer_slack_ns", std::to_string(prctl(PR_GET_TIMERSLACK)));
  add("nice", std::to_string(getpriority(PRIO_PROCESS, 0)));
  add("personality", std::to_string(personality(0xffffffff)));
  add("status", quoted(status()));
  add("limits", quoted(contents("/proc/self/limits")));
  add("oom_score_adj", quoted(contents("/proc/self/oom_score_adj")));
  add("cgroup", quoted(contents("/proc/self/cgroup")));
  add("config", quoted(contents(folder + "/bundle/config.json")));
  record += "}\n";
  rlimit size{};
  getrlimit(RLIMIT_FSIZE, &size);
  size.rlim_cur = size.rlim_max;
  setrlimit(RLIMIT_FSIZE, &size);
  std::ofstream(self + ".record") << record;
  return kStatus;
}
