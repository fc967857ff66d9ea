#include "init_image.h"

#include <cstddef>

// RUNI_INIT_IMAGE: the path of the file, in quotes.
asm(".section .rodata.runi_init_image, \"a\"\n"
    ".globl runi_init_image\n"
    ".globl runi_init_image_end\n"
    "runi_init_image:\n"
    ".incbin " RUNI_INIT_IMAGE
    "\n"
    "runi_init_image_end:\n"
    ".previous\n");

extern "C" {
extern const char runi_init_image[];
extern const char runi_init_image_end[];
}

namespace runi {

std::string_view init_image() {
  return {runi_init_image, static_cast<std::size_t>(runi_init_image_end - runi_init_image)};
}

}  // namespace runi
