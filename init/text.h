// Text and numbers for runi-init's messages and options: pure, and without a C library.
#pragma once

#include <asm/errno.h>

#include <cstddef>
#include <cstdint>

namespace runi {

constexpr std::size_t length_of(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

constexpr bool equal(const char* left, const char* right) {
  while (*left != '\0' && *left == *right) ++left, ++right;
  return *left == *right;
}

// The rest of text after the prefix, or null if text does not begin with it.
constexpr const char* after(const char* text, const char* prefix) {
  for (; *prefix != '\0'; ++prefix, ++text) {
    if (*text != *prefix) return nullptr;
  }
  return text;
}

// Reads the digits that text begins with, and moves it past them. Returns -1 if there are none, or if they
// make more than most.
constexpr int read_number(const char*& text, int most) {
  if (*text < '0' || *text > '9') return -1;
  int number = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    number = number * 10 + (*text - '0');
    if (number > most) return -1;
  }
  return number;
}

// A text, a number in decimal digits, and another text, joined. The result lives as long as the object.
class Numbered {
 public:
  // Both texts together. They fit with any number, which has 20 digits at most.
  static constexpr std::size_t kMostText = 19;

  // Returns c_str().
  const char* set(const char* text, std::uint64_t number, const char* rest = "") {
    begin_ = text_ + sizeof text_ - 1;
    *begin_ = '\0';
    for (std::size_t left = length_of(rest); left != 0;) *--begin_ = rest[--left];
    do {
      *--begin_ = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    for (std::size_t left = length_of(text); left != 0;) *--begin_ = text[--left];
    return begin_;
  }
  [[nodiscard]] const char* c_str() const { return begin_; }

 private:
  char* begin_;
  char text_[kMostText + 20 + 1];
};

// strerror(3)'s words for the error numbers (positive) that starting a program usually meets; null for
// others.
constexpr const char* words_for(int error) {
  // Each number is followed by its text: a table of pointers would be twice as long, and the file's size
  // matters.
  static_assert(ENOENT == 2 && ENOEXEC == 8 && EACCES == 13 && ENOTDIR == 20);
  const char* entry =
      "\002No such file or directory\0"
      "\010Exec format error\0"
      "\015Permission denied\0"
      "\024Not a directory\0";
  for (; *entry != '\0'; entry += length_of(entry) + 1) {
    if (*entry == error) return entry + 1;
  }
  return nullptr;
}

}  // namespace runi
