#include "runictl/show/init_listing.h"

#include "runictl/show/table.h"
#include "tests/unit/runictl/show/lines.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

Container container(const std::string& name) {
  Container made;
  made.first.pid = 12345;
  made.first.name = name;
  made.program = "/bin/" + name;
  made.identity.engine = "containerd";
  return made;
}

TEST(Ps, shows_the_options_as_the_init_reads_them) {
  RunningInit init;
  init.container = container(".runi-init");
  init.title = "web";
  init.container.arguments = {"/dev/.runi-init", "-gt", "10", "--", "app", "-s"};
  init.container.first.ignored = 1 << 16;
  const std::string text = list_inits(std::span(&init, 1), 120, false);
  EXPECT_TRUE(text.find("\nweb  ") != std::string::npos) << text;
  EXPECT_NE(text.find("kernel  group    no       -gt 10\n"), std::string::npos) << text;
}

TEST(Ps, lines_fit) {
  RunningInit init;
  init.container = container(".runi-init");
  init.title = "shop/cart-6d4cf56db6-x2vqj/application";
  init.container.arguments = {"/dev/.runi-init", "-g", "-t",  "10", "-r",
                              "TERM:QUIT",       "-e", "143", "--", "app"};
  init.container.first.rss_kib = 12;
  init.application = init.container.first;
  for (const std::size_t width : {80U, 120U}) {
    for (const std::string& line : lines_of(list_inits(std::span(&init, 1), width, false))) {
      EXPECT_LE(columns_of(line), width) << line;
    }
  }
}

TEST(Ps, of_none_says_so) {
  EXPECT_EQ(list_inits({}, 80, false), "No container under runi-init.\n");
}

}  // namespace
}  // namespace runi
