#include "runictl/show/listing.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(Shortened, keeps_the_beginning) {
  EXPECT_EQ(shortened("shop/cart/app", 13), "shop/cart/app");
  EXPECT_EQ(shortened("shop/cart/app", 8), "shop/ca…");
  EXPECT_EQ(shortened("äöüäöü", 3), "äö…");
  EXPECT_EQ(shortened("abc", 1), "…");
  EXPECT_EQ(shortened("abc", 0), "");
}

TEST(ShortenedTitle, keeps_what_names_a_pod_for_people) {
  const std::string title = "shop/cart-6d4cf56db6-x2vqj/app";
  EXPECT_EQ(shortened_title(title, 30), title);
  EXPECT_EQ(shortened_title(title, 25), "shop/cart-6d4cf56db6…/app");
  EXPECT_EQ(shortened_title(title, 15), "shop/cart-…/app");
  EXPECT_EQ(shortened_title(title, 14), "shop/cart…/app");
  // Less would leave too little of the pod's name; then the container's is what people can do without.
  EXPECT_EQ(shortened_title(title, 13), "shop/cart-6d…");
  EXPECT_EQ(shortened_title("shop/search-engine-0/app", 20), "shop/search-eng…/app");
  EXPECT_EQ(shortened_title("shop/cart-6d4cf56db6-x2vqj", 15), "shop/cart-6d4c…");
  EXPECT_EQ(shortened_title("a-container-with-a-name", 12), "a-container…");
  EXPECT_EQ(shortened_title("namespace-of-some-length/pod/a-container-with-a-name", 30),
            "namespace-of-some-length/pod/…");
}

TEST(HeadOf, cuts_between_characters) {
  EXPECT_EQ(head_of("äöü", 2), "äö");
  EXPECT_EQ(head_of("äöü", 3), "äöü");
  EXPECT_EQ(head_of("abc", 9), "abc");
  EXPECT_EQ(head_of("abc", 0), "");
}

Listing listing() {
  return {.rows = {heading_of({"NAME", "PROGRAM", "ENGINE", "N", "TEXT"}),
                   {{"web"}, {"app"}, {"docker"}, {"1"}, {"some words of text"}},
                   {{"shop"}, {"sh"}, {"docker"}, {"22"}, {"x"}}},
          .numbers = {3},
          .extras = {2},
          .narrowest_text = 10};
}

TEST(Listing, aligns_numbers_to_the_right) {
  EXPECT_EQ(format_listing(listing(), 120, false),
            "NAME  PROGRAM  ENGINE   N  TEXT\n"
            "web   app      docker   1  some words of text\n"
            "shop  sh       docker  22  x\n");
}

TEST(Listing, does_without_extras_where_it_is_narrow) {
  EXPECT_EQ(format_listing(listing(), 99, false),
            "NAME  PROGRAM   N  TEXT\n"
            "web   app       1  some words of text\n"
            "shop  sh       22  x\n");
}

TEST(Listing, goes_on_in_the_next_line) {
  EXPECT_EQ(format_listing(listing(), 32, true),
            "\x1b[1mNAME\x1b[0m  \x1b[1mPROGRAM\x1b[0m  \x1b[1m N\x1b[0m  \x1b[1mTEXT\x1b[0m\n"
            "web   app       1  some words of\n"
            "                   text\n"
            "shop  sh       22  x\n");
}

TEST(Listing, drops_a_column_and_moves_the_others) {
  Listing one = listing();
  one.extras = {0, 2, 4};
  drop_column(one, 2);
  EXPECT_EQ(one.numbers, (std::vector<std::size_t>{2}));
  EXPECT_EQ(one.extras, (std::vector<std::size_t>{0, 3}));
  EXPECT_EQ(one.rows[1].size(), 4U);
  EXPECT_EQ(one.rows[1][2].text, "1");
}

TEST(Listing, takes_out_engines_that_are_the_same) {
  Listing one = listing();
  EXPECT_EQ(only_value(one, 2), "docker");
  EXPECT_EQ(only_value(one, 0), "");
  EXPECT_EQ(take_engine(one, 0), "") << "they differ";
  EXPECT_EQ(one.rows[0].size(), 5U);
  EXPECT_EQ(take_engine(one, 2), " of docker");
  EXPECT_EQ(one.rows[0].size(), 4U);
  Listing unknown = listing();
  unknown.rows[1][2].text = unknown.rows[2][2].text = "-";
  EXPECT_EQ(take_engine(unknown, 2), "");
  EXPECT_EQ(unknown.rows[0].size(), 4U);
  unknown.rows.resize(1);
  EXPECT_EQ(only_value(unknown, 0), "");
}

}  // namespace
}  // namespace runi
