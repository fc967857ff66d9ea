#include "report.h"
#include "shim.h"
#include "system.h"

int main(int argc, char** argv) {
  const runi::Error error = runi::run(argc, argv);
  runi::print_error(runi::for_people(error));
  return 1;
}
