// SPDX-License-Identifier: Apache-2.0
//
// So much of something one namespace may take, and so much all together. A namespace takes no more
// than is left for others then: nobody takes more than half of all, and however many do so, there
// is always something left for who has little.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

namespace sparkfit::cluster {

class Shares {
 public:
  Shares(std::size_t most_of_one, std::size_t most) : most_of_one_(most_of_one), left_(most) {}

  // How much it may take.
  [[nodiscard]] std::size_t Room(const std::string& name_space) const {
    const auto known = taken_.find(name_space);
    const auto taken = known == taken_.end() ? 0 : known->second;
    return std::min(most_of_one_ - taken, (left_ - std::min(left_, taken)) / 2);
  }

  // False, and nothing is taken, where it is more than that.
  bool Take(const std::string& name_space, std::size_t amount = 1) {
    if (amount > Room(name_space)) return false;
    taken_[name_space] += amount;
    left_ -= amount;
    return true;
  }

  // REQUIRES: it was taken.
  void GiveBack(const std::string& name_space, std::size_t amount) {
    const auto taken = taken_.find(name_space);
    left_ += amount;
    if ((taken->second -= amount) == 0) taken_.erase(taken);
  }

 private:
  std::size_t most_of_one_;
  std::size_t left_;
  std::map<std::string, std::size_t> taken_;
};

// The same beside what a namespace has for its own, which nobody else can take.
class OwnAndShares {
 public:
  OwnAndShares(std::size_t most_of_one, std::size_t most) : shares_(most_of_one, most) {}

  void Grant(const std::string& name_space, std::size_t amount) { own_[name_space] += amount; }

  [[nodiscard]] std::size_t Room(const std::string& name_space) const {
    const auto own = own_.find(name_space);
    return (own == own_.end() ? 0 : own->second) + shares_.Room(name_space);
  }

  bool Take(const std::string& name_space, std::size_t amount) {
    auto& own = own_[name_space];
    const auto from_own = std::min(own, amount);
    if (amount > from_own && !shares_.Take(name_space, amount - from_own)) return false;
    own -= from_own;
    return true;
  }

 private:
  std::map<std::string, std::size_t> own_;
  Shares shares_;
};

}  // namespace sparkfit::cluster
