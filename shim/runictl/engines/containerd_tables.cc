#include "runictl/engines/containerd_tables.h"

#include <array>

namespace runi {

using std::string_view;

string_view name_of(Merging merging) {
  switch (merging) {
    case Merging::replaces: return "containerd 1.x";
    case Merging::merges_first: return "containerd 2.0 to 2.2";
    case Merging::migrates_first: return "containerd 2.3 and later";
  }
  return "containerd";
}

std::int64_t newest_known(Merging merging) {
  switch (merging) {
    case Merging::replaces: return 2;
    case Merging::merges_first: return 3;
    case Merging::migrates_first: return 4;
  }
  return 0;
}

std::int64_t version_in(const TomlValue& root) {
  const TomlValue* version = root.member("version");
  return version == nullptr ? 0 : version->number.value_or(0);
}

string_view cri_plugin_of(std::int64_t version) {
  return version < 2 ? kCri1 : version == 2 ? kCri2 : kCri3;
}

const TomlValue* cri_table(const TomlValue& root, string_view plugin) {
  const std::array<string_view, 2> keys = {"plugins", plugin};
  const TomlValue* table = descend(&root, keys);
  return table != nullptr && table->kind == TomlValue::Kind::table ? table : nullptr;
}

const TomlValue* handlers_in(const TomlValue* cri) {
  const std::array<string_view, 2> keys = {"containerd", "runtimes"};
  return descend(cri, keys);
}

}  // namespace runi
