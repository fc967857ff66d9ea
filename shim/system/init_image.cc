#include "system/init_image.h"

#include <cstddef>

// RUNI_INIT_IMAGE: the path of the file, in quotes.
asm(".section .rodata.runi_init_image, \"a\"\n"
    ".globl kRuniInitImage\n"
    ".globl kRuniInitImageEnd\n"
    "kRuniInitImage:\n"
    ".incbin " RUNI_INIT_IMAGE
    "\n"
    "kRuniInitImageEnd:\n"
    ".previous\n");

extern "C" {
extern const char kRuniInitImage[];
extern const char kRuniInitImageEnd[];
}

namespace runi {

std::string_view init_image() {
  return {kRuniInitImage, static_cast<std::size_t>(kRuniInitImageEnd - kRuniInitImage)};
}

}  // namespace runi
