// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target without libFuzzer: over the files of the given folders, and over as many
// random inputs as wanted. For targets that take decisions from their input, that is enough to make
// anything they can make.
//
//   fuzz_TARGET [--random=COUNT] FOLDER…
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kLongest = 512;

void Run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void RunRandom(std::size_t count) {
  std::mt19937_64 random(1);
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    bytes.resize(random() % kLongest);
    for (auto& byte : bytes) byte = static_cast<char>(random());
    Run(bytes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kRandom = "--random=";
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with(kRandom)) {
      const auto count = std::strtoull(argument.c_str() + kRandom.size(), nullptr, 10);
      RunRandom(count);
      inputs += count;
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argument)) {
      std::ifstream file(entry.path(), std::ios::binary);
      Run({std::istreambuf_iterator<char>(file), {}});
      ++inputs;
    }
  }
  std::cout << inputs << " inputs\n";
  return inputs > 0 ? 0 : 1;  // an empty corpus tests nothing
}
