// A directory that stands for another machine's root.
#pragma once

#include "runictl/machine/machine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace runi {

class MachineRoot : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "machine-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text, unsigned mode = 0644) const {
    std::filesystem::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
    std::ofstream(root_ + path) << text;
    std::filesystem::permissions(root_ + path, static_cast<std::filesystem::perms>(mode));
  }

  void link(const std::string& target, const std::string& path) const {
    std::filesystem::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
    std::filesystem::create_symlink(target, root_ + path);
  }

  [[nodiscard]] Machine machine() const { return std::move(*Machine::at(root_)); }

  std::string root_;
};

}  // namespace runi
