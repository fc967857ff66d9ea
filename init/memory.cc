// Functions that the compiler may call even without a C library (GCC manual, "Language Standards Supported by
// GCC", Freestanding).
#include <cstddef>

extern "C" [[gnu::used]] void* memset(void* to, int value, std::size_t size) {
  auto* byte = static_cast<unsigned char*>(to);
  for (; size != 0; --size) *byte++ = static_cast<unsigned char>(value);
  return to;
}
