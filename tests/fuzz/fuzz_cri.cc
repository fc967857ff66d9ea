// What an engine answers: whatever the bytes, a message is read or refused. And the bytes as choices that
// make a message: it is read as it was written.
#include "input.h"
#include "runictl/host/cri_messages.h"
#include "runictl/host/proto.h"

#include <string>
#include <utility>
#include <vector>

namespace {

using runi::require;

void read_any(std::string_view bytes) {
  (void)runi::cri::read_version(bytes);
  (void)runi::cri::read_sandboxes(bytes);
  (void)runi::cri::read_images(bytes);
  (void)runi::cri::read_image(bytes);
  (void)runi::cri::read_container(bytes);
  (void)runi::cri::read_id(bytes);
  const auto status = runi::cri::read_status(bytes);
  require(!status || status->is_ready == status->why.empty(), "an engine that is not ready, and no reason");
}

void write_and_read(std::string_view bytes) {
  runi::Choices choices(bytes);
  runi::proto::Writer writer;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> numbers;
  std::vector<std::pair<std::uint32_t, std::string>> texts;
  while (!choices.empty()) {
    const auto field = static_cast<std::uint32_t>(1 + choices.below(200) * choices.below(200));
    if (choices.yes()) {
      numbers.emplace_back(field, std::uint64_t{choices.below(256)} << choices.below(57));
      writer.number(field, numbers.back().second);
    } else {
      texts.emplace_back(field, std::string(choices.below(256), static_cast<char>(choices.below(256))));
      writer.text(field, texts.back().second);
    }
  }
  const auto message = runi::proto::Message::parse(writer.bytes());
  require(message.has_value(), "a message that was written is not read");
  for (const auto& [field, text] : texts) {
    const auto all = message->all(field);
    require(text.empty() || std::find(all.begin(), all.end(), text) != all.end(), "a text is lost");
  }
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    bool is_last = number->second != 0;
    for (auto later = numbers.rbegin(); later != number; ++later) is_last &= later->first != number->first;
    require(!is_last || message->number(number->first) == number->second, "a number is lost");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = runi::as_text(data, size);
  read_any(bytes);
  write_and_read(bytes);
  return 0;
}
