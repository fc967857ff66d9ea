// What a static libdbus wants that a client of a local socket never calls, in the place of libraries with
// more of it.
//
// libsystemd hands sockets to a server that systemd starts; Debian has no static one. The C library's
// functions for hosts' and users' names load shared libraries of its own version at run time, which the
// linker warns of: they are for TCP addresses, and for a server that wants to know who a user is.
#include <netdb.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

// NOLINTBEGIN(readability-identifier-naming,readability-inconsistent-declaration-parameter-name)
extern "C" {

int sd_listen_fds(int) {
  return 0;
}

int sd_is_socket(int, int, int, int) {
  return 0;
}

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  return EAI_FAIL;
}

void freeaddrinfo(addrinfo*) noexcept {}

const char* gai_strerror(int) noexcept {
  return "not in this program";
}

int getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int) {
  return EAI_FAIL;
}

int getpwnam_r(const char*, passwd*, char*, size_t, passwd** found) {
  *found = nullptr;
  return ENOENT;
}

int getpwuid_r(uid_t, passwd*, char*, size_t, passwd** found) {
  *found = nullptr;
  return ENOENT;
}

int getgrouplist(const char*, gid_t, gid_t*, int* count) {
  *count = 0;
  return 0;
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming,readability-inconsistent-declaration-parameter-name)
