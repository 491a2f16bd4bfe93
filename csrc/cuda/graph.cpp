// Recorded launches on a device: one after the other, or, with STRETTO_CUDA_GRAPHS=1, as a CUDA graph whose
// nodes get the changed addresses before it is launched again.
#include <cstdlib>
#include <utility>

#include "cuda/launch_blocks.h"
#include "cuda/on_device.h"
#include "cuda/recorded.h"

namespace stretto {
namespace {

bool are_graphs_wanted() {
  static const bool wanted = [] {
    const char* const text = std::getenv("STRETTO_CUDA_GRAPHS");
    return text && *text && *text != '0';
  }();
  return wanted;
}

class DeviceLaunches : public RecordedLaunches {
 public:
  ~DeviceLaunches() override {
    if (exec_) cudaGraphExecDestroy(exec_);
    if (graph_) cudaGraphDestroy(graph_);
  }

 protected:
  void launch(std::vector<RecordedLaunch>& launches, const Place& where) override {
    const OnDevice guard(where.device);
    const auto stream = static_cast<cudaStream_t>(where.stream);
    if (launches.empty()) return;
    if (!are_graphs_wanted()) {
      for (const RecordedLaunch& launch : launches)
        launch_blocks(where, launch.name, launch.function, launch.arguments.data(), launch.size);
      return;
    }
    if (exec_)
      update(launches);
    else
      build(launches);
    check(cudaGraphLaunch(exec_, stream), "cudaGraphLaunch");
  }

 private:
  struct Node {
    cudaGraphNode_t node;
    std::size_t launch;
    std::int64_t first;  // of its blocks
  };

  // Calls use(parameters) with those of a node.
  template <class F>
  static void with_parameters(RecordedLaunch& launch, std::int64_t first, F&& use) {
    void* arguments[] = {launch.arguments.data(), &first};
    cudaKernelNodeParams parameters{};
    parameters.func = const_cast<void*>(launch.function);
    parameters.gridDim = dim3(unsigned(blocks_from(launch.size.blocks, first)));
    parameters.blockDim = dim3(unsigned(launch.size.threads));
    parameters.sharedMemBytes = unsigned(launch.size.shared);
    parameters.kernelParams = arguments;
    check(use(parameters), launch.name);
    launch.has_changed = false;
  }

  void build(std::vector<RecordedLaunch>& launches) {
    if (graph_) check(cudaGraphDestroy(std::exchange(graph_, nullptr)), "cudaGraphDestroy");
    nodes_.clear();
    check(cudaGraphCreate(&graph_, 0), "cudaGraphCreate");
    for (std::size_t i = 0; i < launches.size(); ++i)
      for (std::int64_t first = 0; first < launches[i].size.blocks; first += kMostBlocks) {
        Node next{nullptr, i, first};
        const cudaGraphNode_t* const before = nodes_.empty() ? nullptr : &nodes_.back().node;
        with_parameters(launches[i], first, [&](const cudaKernelNodeParams& parameters) {
          return cudaGraphAddKernelNode(&next.node, graph_, before, before ? 1 : 0, &parameters);
        });
        nodes_.push_back(next);
      }
    check(cudaGraphInstantiate(&exec_, graph_, 0), "cudaGraphInstantiate");
  }

  void update(std::vector<RecordedLaunch>& launches) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      RecordedLaunch& launch = launches[node.launch];
      if (!launch.has_changed) continue;
      with_parameters(launch, node.first, [&](const cudaKernelNodeParams& parameters) {
        return cudaGraphExecKernelNodeSetParams(exec_, node.node, &parameters);
      });
      const bool more = i + 1 < nodes_.size() && nodes_[i + 1].launch == node.launch;
      launch.has_changed = more;  // a launch may have several nodes
    }
  }

  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
  std::vector<Node> nodes_;
};

}  // namespace

RecordedLaunches* new_recorded_launches() { return new DeviceLaunches; }

}  // namespace stretto
