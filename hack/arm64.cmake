# Building for arm64 on another Debian: its cross compiler, with C and C++ library, and the libraries of hack/sysroot.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(runi_sysroot "${CMAKE_CURRENT_LIST_DIR}/../build/sysroot-arm64")
cmake_path(NORMAL_PATH runi_sysroot)

# Libraries are the sysroot's. Libraries of headers only are the same for every architecture, and this machine's.
set(CMAKE_FIND_ROOT_PATH "${runi_sysroot}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
foreach(name IN ITEMS fmt spdlog)
  set(${name}_DIR "/usr/lib/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu/cmake/${name}" CACHE PATH "")
endforeach()

# The program that makes the init's filter runs while building.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)
