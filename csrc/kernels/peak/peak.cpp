#include "kernels/peak/peak.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <new>

#include "base/error.h"

namespace stretto {

#define STRETTO_DECLARE(isa)                                                            \
  namespace isa {                                                                       \
  double fma_chains(const float* factors, float* sums, std::int64_t rounds);            \
  double fma_chains(const double* factors, double* sums, std::int64_t rounds);          \
  void read_stream(const float* data, std::int64_t count, float* sums);                 \
  void write_stream(float* data, std::int64_t count, bool past_caches);                 \
  void copy_stream(const float* from, float* to, std::int64_t count, bool past_caches); \
  }
#if STRETTO_HAS_AVX512
STRETTO_DECLARE(avx512)
#endif
#if STRETTO_HAS_AVX2
STRETTO_DECLARE(avx2)
#endif
#if STRETTO_HAS_NEON
STRETTO_DECLARE(neon)
#endif
#undef STRETTO_DECLARE

namespace {

constexpr std::int64_t kRounds = 20000;  // of the chains: a few hundred microseconds
constexpr std::int64_t kPass = 1 << 20;  // bytes between two looks at the clock, at least
constexpr std::int64_t kUnit = 1 << 12;  // working sets are whole multiples of two

struct Loops {
  Arch arch;
  double (*fma_f32)(const float*, float*, std::int64_t);
  double (*fma_f64)(const double*, double*, std::int64_t);
  void (*read)(const float*, std::int64_t, float*);
  void (*write)(float*, std::int64_t, bool);
  void (*copy)(const float*, float*, std::int64_t, bool);
};

// Widest first.
#define STRETTO_LOOPS(isa) \
  {Arch::isa, isa::fma_chains, isa::fma_chains, isa::read_stream, isa::write_stream, isa::copy_stream},
constexpr Loops kLoops[] = {
#if STRETTO_HAS_AVX512
    STRETTO_LOOPS(avx512)
#endif
#if STRETTO_HAS_AVX2
        STRETTO_LOOPS(avx2)
#endif
#if STRETTO_HAS_NEON
            STRETTO_LOOPS(neon)
#endif
};
#undef STRETTO_LOOPS

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The most units a second of `pass`, which returns how many it has done.
template <class F>
double best_rate(double seconds, F&& pass) {
  pass();
  double best = 0;
  const double end = now() + seconds;
  for (double start = now(); start < end; start = now()) {
    const double done = pass();
    best = std::max(best, done / (now() - start));
  }
  return best;
}

template <class T>
double best_of_chains(double (*loop)(const T*, T*, std::int64_t), double seconds) {
  alignas(64) T factors[24], sums[24 * 16];
  for (int i = 0; i < 24; ++i) factors[i] = T(1) / T(2 + i);  // the sums converge
  return best_rate(seconds, [&] { return loop(factors, sums, kRounds); });
}

// Pages of its own, large ones where the system has them, as NumPy's arrays.
class Memory {
 public:
  explicit Memory(std::int64_t bytes) : bytes_(std::size_t(bytes)) {
    data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    madvise(data_, bytes_, MADV_HUGEPAGE);
  }
  ~Memory() { munmap(data_, bytes_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  float* data() const { return static_cast<float*>(data_); }

 private:
  std::size_t bytes_;
  void* data_;
};

}  // namespace

double fma_peak(DType dtype, Arch arch, double seconds) {
  for (const Loops& loops : kLoops)
    if (loops.arch == arch)
      return dtype == DType::f64 ? best_of_chains(loops.fma_f64, seconds)
                                 : best_of_chains(loops.fma_f32, seconds);
  return 0;
}

double stream_peak(Stream stream, std::int64_t bytes, double seconds, const Machine& machine) {
  const auto loops = std::find_if(std::begin(kLoops), std::end(kLoops),
                                  [&](const Loops& row) { return machine.has(row.arch); });
  if (loops == std::end(kLoops)) return 0;
  bytes = std::max(bytes / (2 * kUnit), std::int64_t(1)) * 2 * kUnit;
  const Memory memory(bytes);
  float* const data = memory.data();
  const std::int64_t count = bytes / std::int64_t(sizeof(float));
  std::fill(data, data + count, 1.0f);
  float sums[8 * 16];
  const std::int64_t repeats = (kPass + bytes - 1) / bytes;
  const auto rate = [&](double share, auto&& body) {
    return best_rate(share, [&] {
      for (std::int64_t i = 0; i < repeats; ++i) body();
      return double(repeats * bytes);
    });
  };
  if (stream == Stream::read) return rate(seconds, [&] { loops->read(data, count, sums); });
  double best = 0;
  for (const bool past_caches : {false, true}) {
    const auto body = [&] {
      if (stream == Stream::write)
        loops->write(data, count, past_caches);
      else
        loops->copy(data, data + count / 2, count / 2, past_caches);
    };
    best = std::max(best, rate(seconds / 2, body));
  }
  return best;
}

}  // namespace stretto
