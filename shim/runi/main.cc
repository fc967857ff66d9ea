#include "runi/engine_log.h"
#include "runi/shim.h"
#include "system/process.h"

int main(int argc, char** argv) {
  const runi::Error error = runi::run(argc, argv);
  runi::print_error(runi::for_people(error));
  return 1;
}
