// What can be done to a file that is another's.
#include "commands.h"
#include "json.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace {

// Closes the descriptor and leaves errno as it is. Returns whether `done`, as a system call does: 0 or -1.
int close_after(int fd, bool done) {
  const int error = errno;
  close(fd);
  errno = error;
  return done ? 0 : -1;
}

// fcntl(2): nobody else may have it open, and then nobody can open it. Returns the descriptor, or -1.
int take_lease(const char* path) {
  const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) == 0) return fd;
  return close_after(fd, false);
}

// One that is tried, and two names beside it.
struct Paths {
  const char* file;
  std::string renamed;
  std::string temporary;  // of a file that exists
};

int write_opened(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC);
  return fd < 0 ? -1 : close_after(fd, write(fd, "changed", 7) >= 0);
}

int write_reopened(const char* path) {
  const int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return -1;
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  return close_after(fd, write_opened(link.c_str(), O_WRONLY) == 0);
}

int map_writable(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  return close_after(fd, mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
}

int lease_and_close(const char* path) {
  const int fd = take_lease(path);
  return fd < 0 ? -1 : close_after(fd, true);
}

int change_times(const char* path) {
  const timespec times[2] = {{1, 0}, {1, 0}};
  return utimensat(AT_FDCWD, path, times, 0);
}

int set_attribute(const char* path) {
  return static_cast<int>(syscall(SYS_setxattr, path, "user.attempt", "1", 1, 0));
}

// Each way to change a file that root in a container might try, in this order.
constexpr struct {
  const char* name;
  int (*act)(const Paths&);
} kAttempts[] = {
    {"open for writing", [](const Paths& p) { return write_opened(p.file, O_WRONLY); }},
    {"open for appending", [](const Paths& p) { return write_opened(p.file, O_WRONLY | O_APPEND); }},
    {"open and truncate", [](const Paths& p) { return write_opened(p.file, O_WRONLY | O_TRUNC); }},
    {"truncate", [](const Paths& p) { return truncate(p.file, 0); }},
    {"reopen by fd", [](const Paths& p) { return write_reopened(p.file); }},
    {"change mode", [](const Paths& p) { return chmod(p.file, 0777); }},
    {"change owner", [](const Paths& p) { return chown(p.file, 1, 1); }},
    {"change times", [](const Paths& p) { return change_times(p.file); }},
    {"set attribute", [](const Paths& p) { return set_attribute(p.file); }},
    {"hard link", [](const Paths& p) { return link(p.file, p.renamed.c_str()); }},
    {"rename", [](const Paths& p) { return rename(p.file, p.renamed.c_str()); }},
    {"rename over", [](const Paths& p) { return rename(p.temporary.c_str(), p.file); }},
    {"unlink", [](const Paths& p) { return unlink(p.file); }},
    {"remount for writing",
     [](const Paths& p) { return mount(nullptr, p.file, nullptr, MS_REMOUNT | MS_BIND, nullptr); }},
    {"remount the file system",
     [](const Paths& p) { return mount(nullptr, p.file, nullptr, MS_REMOUNT, nullptr); }},
    {"map shared and writable", [](const Paths& p) { return map_writable(p.file); }},
    {"lease", [](const Paths& p) { return lease_and_close(p.file); }},
    {"mount over",
     [](const Paths& p) { return mount(p.temporary.c_str(), p.file, nullptr, MS_BIND, nullptr); }},
    {"unmount what was mounted over", [](const Paths& p) { return umount2(p.file, MNT_DETACH); }},
    {"unmount", [](const Paths& p) { return umount2(p.file, 0); }},
    {"open for writing at last", [](const Paths& p) { return write_opened(p.file, O_WRONLY); }},
};

}  // namespace

// By file and attempt: "done", or the error it met.
int print_write_attempts(char** files) {
  std::map<std::string, Json> outcomes;
  for (char** file = files; *file != nullptr; ++file) {
    const Paths paths{*file, std::string(*file) + ".renamed", "/tmp/attempt"};
    close(open(paths.temporary.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
    for (const auto& [name, act] : kAttempts) {
      outcomes[std::string(*file) + ": " + name] = text(act(paths) == 0 ? "done" : strerrorname_np(errno));
    }
  }
  std::puts(object(outcomes).c_str());
  return 0;
}

// Keeps others from opening the file for as long as it runs, whatever the kernel makes of the lease
// meanwhile.
void hold_lease(const char* path) {
  std::signal(SIGIO, SIG_IGN);
  const int fd = take_lease(path);
  std::printf("%s\n", fd < 0 ? std::strerror(errno) : "taken");
  std::fflush(stdout);
  for (;;) {
    if (fd < 0) pause();
    if (fcntl(fd, F_GETLEASE) != F_WRLCK) fcntl(fd, F_SETLEASE, F_WRLCK);
    usleep(1000);
  }
}
