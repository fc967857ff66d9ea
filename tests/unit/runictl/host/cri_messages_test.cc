#include "runictl/host/cri_messages.h"

#include "runictl/host/proto.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace runi::cri {
namespace {

using proto::Writer;
using Texts = std::vector<std::string>;

Writer condition(const char* type, bool holds) {
  return Writer().text(1, type).number(2, holds ? 1 : 0).text(3, "Reason").text(4, "why");
}

Writer status_with(bool is_ready) {
  return Writer().message(1, Writer()
                                 .message(1, condition("NetworkReady", !is_ready))
                                 .message(1, condition("RuntimeReady", is_ready)));
}

TEST(ReadVersion, names_engine_and_version) {
  const auto version =
      read_version(Writer().text(1, "0.1.0").text(2, "containerd").text(3, "1.6.20").bytes());
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, "containerd 1.6.20");
}

TEST(ReadStatus, says_whether_pods_can_run_without_a_network_of_their_own) {
  const auto ready = read_status(status_with(true).bytes());
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->is_ready);
  EXPECT_EQ(ready->why, "");
  const auto waiting = read_status(status_with(false).bytes());
  ASSERT_TRUE(waiting);
  EXPECT_FALSE(waiting->is_ready);
  EXPECT_EQ(waiting->why, "Reason: why");
  const auto silent = read_status("");
  ASSERT_TRUE(silent);
  EXPECT_FALSE(silent->is_ready);
  EXPECT_EQ(silent->why, "it does not say that it is ready");
  EXPECT_FALSE(silent->handlers);
}

TEST(ReadStatus, takes_handlers_from_the_list_where_there_is_one) {
  Writer answer = status_with(true);
  answer.message(3, Writer()).message(3, Writer().text(1, "runc")).message(3, Writer().text(1, "runi"));
  answer.entry(2, "config",
               R"({"containerd": {"runtimes": {"other": {"options": {"SystemdCgroup": true}}}}})");
  const auto status = read_status(answer.bytes());
  ASSERT_TRUE(status);
  ASSERT_TRUE(status->handlers);
  EXPECT_EQ(*status->handlers, (Texts{"runc", "runi"})) << "without the default's empty name";
  EXPECT_EQ(status->handlers_with_systemd, Texts{"other"});
}

TEST(ReadStatus, takes_handlers_from_the_configuration_where_there_is_no_list) {
  Writer answer = status_with(true);
  answer.entry(2, "golang", "\"go1.19\"");
  answer.entry(2, "config", R"({"sandboxImage": "pause:3.9", "containerd": {"runtimes": {
      "runc": {"options": {"SystemdCgroup": true}}, "runi": {"options": null}, "x": {"options": {"SystemdCgroup": false}}}}})");
  const auto status = read_status(answer.bytes());
  ASSERT_TRUE(status);
  ASSERT_TRUE(status->handlers);
  EXPECT_EQ(*status->handlers, (Texts{"runc", "runi", "x"}));
  EXPECT_EQ(status->handlers_with_systemd, Texts{"runc"});
  EXPECT_EQ(status->sandbox_image, "pause:3.9");
}

TEST(ReadStatus, does_without_a_configuration_that_is_none) {
  for (const char* const text : {"", "[toml]", "[]", "{\"containerd\": [], \"sandboxImage\": 3}",
                                 "{\"containerd\": {\"runtimes\": 1}}"}) {
    const auto status = read_status(Writer(status_with(true)).entry(2, "config", text).bytes());
    ASSERT_TRUE(status) << text;
    EXPECT_FALSE(status->handlers) << text;
    EXPECT_EQ(status->sandbox_image, "") << text;
  }
}

TEST(ReadSandboxes, tells_the_ready_from_the_others) {
  const Writer metadata = Writer().text(1, "pod").text(2, "uid").text(3, "space");
  Writer answer;
  answer.message(1, Writer().text(1, "a").message(2, metadata).text(7, "runi"));
  answer.message(1, Writer().text(1, "b").number(3, 1));
  const auto sandboxes = read_sandboxes(answer.bytes());
  ASSERT_TRUE(sandboxes);
  ASSERT_EQ(sandboxes->size(), 2U);
  const CriSandbox& first = sandboxes->front();
  EXPECT_EQ((Texts{first.id, first.name, first.name_space, first.handler}),
            (Texts{"a", "pod", "space", "runi"}));
  EXPECT_TRUE(first.is_ready);
  EXPECT_FALSE(sandboxes->back().is_ready);
}

TEST(ReadImages, knows_size_names_and_whether_it_is_pinned) {
  Writer answer;
  answer.message(
      1, Writer().text(1, "sha256:1").text(2, "pause:1").text(2, "pause:2").number(4, 700).number(8, 1));
  const auto images = read_images(answer.bytes());
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 1U);
  EXPECT_EQ(images->front().id, "sha256:1");
  EXPECT_EQ(images->front().names, (Texts{"pause:1", "pause:2"}));
  EXPECT_EQ(images->front().size, 700U);
  EXPECT_TRUE(images->front().is_pinned);
}

TEST(ReadImage, is_empty_where_there_is_none) {
  const auto none = read_image("");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const auto one = read_image(Writer().message(1, Writer().text(1, "sha256:1")).bytes());
  ASSERT_TRUE(one);
  ASSERT_TRUE(*one);
  EXPECT_EQ((*one)->id, "sha256:1");
}

TEST(ReadContainer, says_how_it_has_ended) {
  const Writer status = Writer().number(3, 2).number(7, 3).text(10, "Error").text(11, "why");
  const auto container = read_container(Writer().message(1, status).bytes());
  ASSERT_TRUE(container);
  EXPECT_TRUE(container->has_ended);
  EXPECT_EQ(container->exit_code, 3);
  EXPECT_EQ(container->reason, "Error");
  EXPECT_EQ(container->message, "why");
  const auto running = read_container(Writer().message(1, Writer().number(3, 1)).bytes());
  ASSERT_TRUE(running);
  EXPECT_FALSE(running->has_ended);
}

TEST(Read, broken_messages_are_errors_at_every_depth) {
  const std::string broken = "\x0a\x05x";
  const Writer inner = Writer().text(1, broken);
  EXPECT_FALSE(read_version(broken));
  for (const std::string& bytes : {broken, inner.bytes(), Writer().message(1, inner).bytes(),
                                   Writer().text(2, broken).bytes(), Writer().text(3, broken).bytes()}) {
    EXPECT_FALSE(read_status(bytes));
  }
  EXPECT_FALSE(read_sandboxes(inner.bytes()));
  EXPECT_FALSE(read_sandboxes(Writer().message(1, Writer().text(2, broken)).bytes()));
  EXPECT_FALSE(read_images(inner.bytes()));
  EXPECT_FALSE(read_image(inner.bytes()));
  EXPECT_FALSE(read_container(inner.bytes()));
  EXPECT_FALSE(read_id(broken));
}

TEST(Requests, put_the_pod_into_the_nodes_network_and_the_program_into_the_container) {
  const CriPod pod = {"proof", "runi-proof", "7", "runi", "/system.slice"};
  const std::string request = run_sandbox_request(pod);
  const auto run = proto::Message::parse(request);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->text(2), "runi");
  const auto config = run->message(1);
  const auto metadata = config->message(1);
  EXPECT_EQ(metadata->text(1), "proof");
  EXPECT_EQ(metadata->text(3), "runi-proof");
  const auto linux_part = config->message(8);
  EXPECT_EQ(linux_part->text(1), "/system.slice");
  EXPECT_EQ(linux_part->message(2)->message(1)->number(1), 2U) << "the network is the node's";

  const std::string bytes = create_request(pod, "sandbox", {"image", {"/x", "in-container"}, "/opt/x", "/x"});
  const auto create = proto::Message::parse(bytes);
  ASSERT_TRUE(create);
  EXPECT_EQ(create->text(1), "sandbox");
  EXPECT_EQ(create->text(3), run->text(1)) << "the same configuration again";
  const auto container = create->message(2);
  EXPECT_EQ(container->all(3), (std::vector<std::string_view>{"/x", "in-container"}));
  const auto mount = container->message(7);
  EXPECT_EQ(mount->text(1), "/x");
  EXPECT_EQ(mount->text(2), "/opt/x");
  EXPECT_EQ(mount->number(3), 1U) << "read-only";
  EXPECT_EQ(container->message(15)->message(2)->message(3)->number(2), 1U) << "a PID namespace of its own";
}

}  // namespace
}  // namespace runi::cri
