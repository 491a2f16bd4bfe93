// The kernels of the separate module `_cuda`, as plain functions: what its capsule `table` holds and what the
// CUDA rows of the tables of variants call. No CUDA header is needed to use it.
//
// A function takes what its op's reference takes, with pointers to device memory, puts the work on the stream
// of its Place and returns null, or what went wrong in words that live until the thread's next call. A null
// entry: there is no such kernel yet. New entries are added at the end, before `version` changes.
#pragma once

#include <cstdint>

namespace stretto {

class Recording;  // base/recording.h
struct Place;     // base/place.h
struct ArrayView;
struct ElementwiseArgs;
struct MatmulArgs;
struct ConvArgs;
struct ConvTransposeArgs;
struct ConvWeightGradientArgs;
struct PoolArgs;
struct PoolGradientArgs;
struct NormalizeArgs;
struct ReduceArgs;
struct VecdotArgs;
struct AttentionArgs;
struct UpsampleByRules;
struct TakeArgs;

enum class Upsampling : std::uint8_t { nearest, bilinear, nearest_gradient, bilinear_gradient };

struct CudaTable {
  int version;
  const char* (*unavailable)();  // why no kernel can run here, or null

  // The place is that of the output view.
  const char* (*copy)(const ArrayView& from, const ArrayView& to);
  const char* (*elementwise)(const ElementwiseArgs&);
  const char* (*matmul)(const MatmulArgs&);
  const char* (*conv)(const ConvArgs&);
  const char* (*conv_transpose)(const ConvTransposeArgs&);
  const char* (*conv_weight_gradient)(const ConvWeightGradientArgs&);
  const char* (*pool)(const PoolArgs&);
  const char* (*pool_gradient)(const PoolGradientArgs&);
  const char* (*reduce)(const ReduceArgs&);
  const char* (*normalize)(const NormalizeArgs&);
  const char* (*vecdot)(const VecdotArgs&);

  // Of plain pointers, the place apart. The tables of an upsampling lie on the host.
  const char* (*batch_scale)(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean,
                             const ArrayView& var, double eps, void* scale, void* shift, const Place&);
  const char* (*attention)(const AttentionArgs&, const Place&);
  const char* (*upsample)(const UpsampleByRules&, Upsampling, const Place&);
  const char* (*take)(const TakeArgs&, const Place&);
  const char* (*take_gradient)(const TakeArgs&, const Place&);

  // All elements of `to`, whose place it is, become the one of its dtype that `element` on the host holds.
  const char* (*fill)(const void* element, const ArrayView& to);

  // For calls that are to be made again and again: base/recording.h. The caller deletes it.
  Recording* (*new_recording)();
};

inline constexpr int kCudaTableVersion = 2;
inline constexpr const char* kCudaTableCapsule = "stretto._cuda.table";  // the capsule's name

// The registered table; null until the bindings have loaded the module. Set once.
const CudaTable* cuda_table();
void set_cuda_table(const CudaTable* table);

// Why there is no kernel or what went wrong in it, thrown: NoKernelError or DeviceError.
[[noreturn]] void throw_no_cuda_kernel(const char* op);
[[noreturn]] void throw_device_error(const char* what);

// Calls one of the table's functions:  run_on_device("matmul", &CudaTable::matmul, args)
template <class... Parameters, class... Args>
void run_on_device(const char* op, const char* (*CudaTable::*function)(Parameters...), const Args&... args) {
  const CudaTable* table = cuda_table();
  if (!table || !(table->*function)) throw_no_cuda_kernel(op);
  if (const char* wrong = (table->*function)(args...)) throw_device_error(wrong);
}

}  // namespace stretto
