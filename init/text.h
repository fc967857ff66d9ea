// The words of runi-init's messages: pure, and without a C library's.
#pragma once

#include <asm/errno.h>

#include <cstddef>

namespace runi {

constexpr std::size_t length_of(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

// What to say of an error number (positive): strerror's words for those that starting a program meets,
// "error N" for any other. The text lives as long as the object.
class ErrorText {
 public:
  explicit constexpr ErrorText(int error) : known_(find(error)) {
    if (known_ == nullptr) append(error);
  }
  [[nodiscard]] constexpr const char* c_str() const { return known_ != nullptr ? known_ : unknown_; }

 private:
  static constexpr const char* find(int error) {
    // Number and text after each other: a table of pointers is twice as long, and the file's size counts.
    static_assert(EPERM == 1 && ENOENT == 2 && E2BIG == 7 && ENOEXEC == 8 && ENOMEM == 12 && EACCES == 13 &&
                  ENOTDIR == 20 && EISDIR == 21 && ETXTBSY == 26 && ENAMETOOLONG == 36 && ELOOP == 40);
    const char* entry =
        "\001Operation not permitted\0"
        "\002No such file or directory\0"
        "\007Argument list too long\0"
        "\010Exec format error\0"
        "\014Cannot allocate memory\0"
        "\015Permission denied\0"
        "\024Not a directory\0"
        "\025Is a directory\0"
        "\032Text file busy\0"
        "\044File name too long\0"
        "\050Too many levels of symbolic links\0";
    for (; *entry != '\0'; entry += length_of(entry) + 1) {
      if (*entry == error) return entry + 1;
    }
    return nullptr;
  }

  constexpr void append(int error) {
    char* end = unknown_ + sizeof unknown_ - 1;
    char* digit = end;
    unsigned rest = error < 0 ? 0U - static_cast<unsigned>(error) : static_cast<unsigned>(error);
    do {
      *--digit = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    char* to = unknown_ + sizeof "error " - 1;
    while (digit <= end) *to++ = *digit++;
  }

  const char* known_;
  char unknown_[20] = "error ";
};

}  // namespace runi
