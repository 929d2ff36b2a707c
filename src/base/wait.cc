// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/wait.h"

#include <condition_variable>
#include <mutex>

namespace sparkfit::base {

bool SystemWaiter::Wait(Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace sparkfit::base
