// A table of CUDA functions for tests on machines without a device: it runs the CPU's kernels on "device
// memory" that lies in the host's, and writes down what it was asked for.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/cuda_table.h"

namespace stretto {

struct HostLaunch {
  const char* kernel;
  int device;
  void* stream;
};

// `memory`, whole pages, is open to the functions of the table alone: whoever else touches it crashes.
const CudaTable& host_table(void* memory, std::size_t bytes);

// Opens the memory to others too, until it has been closed as often as it was opened.
void open_host_memory();
void close_host_memory();

// What the functions were called for since the last time.
std::vector<HostLaunch> take_host_launches();

}  // namespace stretto
