// Prints what parse_command_line reads, as one JSON object: `command_line_probe runc|crun [args]`. With no
// arguments it answers many lines: each line of stdin is a dialect and its arguments, all separated by tabs.
#include "core/command_line.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

void print_string(const char* key, std::string_view value) {
  std::printf("\"%s\": \"", key);
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e || c == '"' || c == '\\') {
      std::printf("\\u%04x", byte);
    } else {
      std::putchar(c);
    }
  }
  std::printf("\"");
}

const char* name_of(runi::Verb verb) {
  switch (verb) {
    case runi::Verb::create: return "create";
    case runi::Verb::run: return "run";
    case runi::Verb::restore: return "restore";
    case runi::Verb::other: break;
  }
  return "other";
}

void print(std::string_view dialect, const std::vector<const char*>& args) {
  const runi::CommandLine line = runi::parse_command_line(args, runi::dialect_of(dialect));
  std::printf("{\"verb\": \"%s\", ", name_of(line.verb));
  print_string("bundle", line.bundle);
  if (line.config_file) {
    std::printf(", ");
    print_string("config_file", *line.config_file);
  }
  std::printf(", ");
  print_string("id", line.container_id);
  std::printf(", ");
  print_string("log", line.log);
  std::printf(", \"log_in_bundle\": %s", line.log_in_bundle ? "true" : "false");
  std::printf(", \"log_format\": \"%s\"}\n", line.log_format == runi::LogFormat::json ? "json" : "text");
}

void print_each_line_of_stdin() {
  char* line = nullptr;
  std::size_t capacity = 0;
  for (ssize_t length = 0; (length = getline(&line, &capacity, stdin)) > 0;) {
    if (line[length - 1] == '\n') line[length - 1] = '\0';
    std::vector<const char*> words;
    for (char* rest = line; rest != nullptr;) words.push_back(strsep(&rest, "\t"));
    print(words.front(), {words.begin() + 1, words.end()});
  }
  std::free(line);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    print_each_line_of_stdin();
  } else {
    print(argv[1], {argv + 2, argv + argc});
  }
  return 0;
}
