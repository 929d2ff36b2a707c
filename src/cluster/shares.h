// SPDX-License-Identifier: Apache-2.0
//
// So much of something one namespace may take, and so much all together.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace sparkfit::cluster {

class Shares {
 public:
  Shares(std::size_t most_of_one, std::size_t most) : most_of_one_(most_of_one), left_(most) {}

  // False, and nothing is taken, where it is more than there may be.
  bool Take(const std::string& name_space, std::size_t amount = 1) {
    auto& taken = taken_[name_space];
    if (amount > most_of_one_ - taken || amount > left_) return false;
    taken += amount;
    left_ -= amount;
    return true;
  }

  // REQUIRES: it was taken.
  void GiveBack(const std::string& name_space, std::size_t amount) {
    taken_.at(name_space) -= amount;
    left_ += amount;
  }

 private:
  std::size_t most_of_one_;
  std::size_t left_;
  std::map<std::string, std::size_t> taken_;
};

}  // namespace sparkfit::cluster
