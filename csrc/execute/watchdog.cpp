#include "execute/watchdog.h"

#include <cstdio>
#include <iomanip>
#include <sstream>

#include "execute/timeline.h"

namespace stretto {

void Watchdog::note(int worker, Doing doing, std::int64_t batch, const Item& item) {
  if (!is_awake()) return;
  Post& post = posts_[std::size_t(worker)];
  post.stage = item.stage;
  post.micro_batch = item.micro_batch;
  post.batch = batch;
  post.since = now_ns();
  post.doing = doing;
}

void Watchdog::finishes() {
  if (is_awake()) last_ = now_ns();
}

void Watchdog::look() {
  const std::int64_t period = period_, now = now_ns();
  std::int64_t spoke = spoke_;
  if (period == 0 || now - std::max(last_.load(), spoke) < period) return;
  if (!spoke_.compare_exchange_strong(spoke, now)) return;  // another worker speaks
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << "stretto: nothing has finished for "
       << double(now - last_) * 1e-9 << " s\n";
  for (int worker = 0; worker < workers_; ++worker) {
    const Post& post = posts_[std::size_t(worker)];
    text << "  worker " << worker;
    if (post.doing == Doing::rests) {
      text << " rests\n";
      continue;
    }
    text << (post.doing == Doing::runs ? " runs" : " waits for") << " stage " << post.stage
         << " on micro-batch " << post.micro_batch;
    if (post.batch >= 0) text << " of batch " << post.batch;
    text << " since " << double(now - post.since) * 1e-9 << " s\n";
  }
  std::fputs(text.str().c_str(), stderr);
}

}  // namespace stretto
