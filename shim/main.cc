#include "shim.h"
#include "system.h"

int main(int argc, char** argv) {
  const runi::Error error = runi::run(argc, argv);
  runi::print_error("runi: " + error.what);
  return 1;
}
