// One call of gRPC over a local socket (grpc.io, "gRPC over HTTP2"). Hides HTTP/2 and its library.
#pragma once

#include "core/result.h"

#include <string>
#include <string_view>

namespace runi {

// What the server answered: the status 0 and a message, or another status and why.
struct GrpcAnswer {
  int status = 0;
  std::string message;  // the answer, as Protocol Buffers
  std::string why;
};

// Statuses of gRPC (grpc/grpc, doc/statuscodes.md).
inline constexpr int kGrpcNotFound = 5;
inline constexpr int kGrpcUnimplemented = 12;

// Sends `request` to a method, "/package.Service/Method", and waits for the one answer. Each call has a
// connection of its own, so that there is none to be lost when a daemon is restarted. Errors: nobody listens;
// no whole answer in time; what comes is not gRPC, or larger than 16 MiB.
Result<GrpcAnswer> call_grpc(const std::string& socket, const std::string& method, std::string_view request,
                             int timeout_ms);

}  // namespace runi
