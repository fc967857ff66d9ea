// runictl's commands. Each adds itself to the command line and, when it is the one that was called, does its
// work there and sets the exit status: 0, or kFound, or kFailed with the error on stderr.
#pragma once

namespace CLI {
class App;
}

namespace runi {

inline constexpr int kFound = 1;   // the command did its work and found what somebody should look at
inline constexpr int kFailed = 2;  // wrong usage, or the work could not be done

void add_check(CLI::App& app, int& status);
void add_explain(CLI::App& app, int& status);
void add_ps(CLI::App& app, int& status);
void add_scan(CLI::App& app, int& status);

}  // namespace runi
