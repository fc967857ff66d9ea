// The engines' edits as one: which files an engine's handler takes, whatever the engine. Pure.
#pragma once

#include "runictl/installer/facts.h"

#include <string>
#include <vector>

namespace runi {

[[nodiscard]] Edit add_handler(const EngineFacts& engine, const HandlerWanted& wanted);
[[nodiscard]] Edit remove_handler(const EngineFacts& engine, const HandlerWanted& wanted);

// All files of the engine, in the order in which it reads them.
[[nodiscard]] std::vector<ConfigFile> files_of(const EngineFacts& engine);

// Its file of that path; null where it has none.
[[nodiscard]] const ConfigFile* file_at(const std::vector<ConfigFile>& files, const std::string& path);

// The runtime that the engine's default handler calls, a path or a name; empty where it is for runi to find.
[[nodiscard]] std::string runtime_of_default(const EngineFacts& engine, const HandlerWanted& wanted);

}  // namespace runi
