// launch() on the host: one block after the other. Kernels without shared memory are plain loops over their
// threads.
#pragma once

#include "cuda/launch.h"
#include "cuda/recorded.h"

namespace stretto {

template <class Kernel>
void run_blocks(const void* arguments, std::int64_t blocks) {
  const Kernel& kernel = *static_cast<const Kernel*>(arguments);
  using Shared = typename Kernel::Shared;
  for (std::int64_t index = 0; index < blocks; ++index) {
    if constexpr (std::is_same_v<Shared, NoShared>) {
      NoShared none;
      for (int thread = 0; thread < Kernel::kThreads; ++thread) kernel(Block(index, thread, nullptr), none);
    } else {
      static thread_local Fibers fibers;
      struct Context {
        const Kernel& kernel;
        std::int64_t index;
        std::unique_ptr<Shared> shared;
      } context{kernel, index, std::make_unique<Shared>()};
      std::memset(static_cast<void*>(context.shared.get()), 0xff, sizeof(Shared));
      fibers.run(
          Kernel::kThreads,
          [](void* pointer, int thread) {
            Context& c = *static_cast<Context*>(pointer);
            c.kernel(Block(c.index, thread, &fibers), *c.shared);
          },
          &context);
    }
  }
}

template <class Kernel>
void launch(const Place&, const char* name, std::int64_t blocks, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel> && sizeof(Kernel) <= 4000);
  if (RecordedLaunches* const recording = current_recording())
    recording->add(name, reinterpret_cast<const void*>(&run_blocks<Kernel>), &kernel, sizeof(Kernel),
                   launch_size<Kernel>(blocks));
  else
    run_blocks<Kernel>(&kernel, blocks);
}

}  // namespace stretto
