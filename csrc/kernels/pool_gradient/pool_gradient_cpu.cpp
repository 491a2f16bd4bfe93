// Gradients of pooling for one instruction set. Planes are independent; within one the outputs are taken in C
// order, several of a row (or several channels) at once where that keeps the order of additions at every
// element.
#include "base/parallel.h"
#include "kernels/pool_gradient/pool_gradient.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr std::int64_t kBlock = 64;
constexpr std::int64_t kThreadedElements = 1 << 16;

// The taps [begin, end) of output o that are inside x.
STRETTO_INLINE void inner(const PoolAxis& axis, std::int64_t o, std::int64_t& begin, std::int64_t& end) {
  const std::int64_t first = axis.begin(o), taps = axis.taps(o);
  begin = 0;
  while (begin < taps && !axis.has(first + begin * axis.dilation)) ++begin;
  end = taps;
  while (end > begin && !axis.has(first + (end - 1) * axis.dilation)) --end;
}

// For n lanes that have the same taps inside: the offset of the first largest one, from `x`.
template <class T>
struct Largest {
  T best[kBlock];
  std::int64_t at[kBlock];
  bool any = false;

  STRETTO_INLINE void see(const T* __restrict x, std::int64_t offset, std::int64_t n, std::int64_t stride) {
    if (!any) {
      for (std::int64_t i = 0; i < n; ++i) {
        best[i] = x[offset + i * stride];
        at[i] = offset + i * stride;
      }
      any = true;
      return;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const T value = x[offset + i * stride];
      const bool take = (value > best[i]) | ((value != value) & (best[i] == best[i]));
      best[i] = take ? value : best[i];
      at[i] = take ? offset + i * stride : at[i];
    }
  }
};

// One row of outputs; with channels last, one block of n channels of it.
template <class T>
STRETTO_INLINE void scatter_largest(const PoolGradientArgs& args, const T* x, const T* grad, T* dx,
                                    std::int64_t d, std::int64_t h, std::int64_t channels) {
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t* step = args.dx.strides.at + 2;
  const std::int64_t grad_step = args.grad.strides[4];
  std::int64_t d_begin, d_end, h_begin, h_end;
  inner(axis[0], d, d_begin, d_end);
  inner(axis[1], h, h_begin, h_end);
  const std::int64_t first = axis[2].first_inner(), end = axis[2].end_inner();
  for (std::int64_t w = 0; w < axis[2].outputs;) {
    std::int64_t n = 1;
    if (!args.channels_last && w >= first && w < end) n = end - w < kBlock ? end - w : kBlock;
    const std::int64_t lanes = args.channels_last ? channels : n;
    const std::int64_t lane_step = args.channels_last ? 1 : axis[2].stride;
    Largest<T> largest;
    std::int64_t w_begin, w_end;
    inner(axis[2], w, w_begin, w_end);
    for (std::int64_t i = d_begin; i < d_end; ++i)
      for (std::int64_t j = h_begin; j < h_end; ++j)
        for (std::int64_t k = w_begin; k < w_end; ++k)
          largest.see(x,
                      (axis[0].begin(d) + i * axis[0].dilation) * step[0] +
                          (axis[1].begin(h) + j * axis[1].dilation) * step[1] +
                          (axis[2].begin(w) + k * axis[2].dilation) * step[2],
                      lanes, lane_step);
    if (largest.any)
      for (std::int64_t i = 0; i < lanes; ++i) {
        T& to = dx[largest.at[i]];
        to = to + grad[w * grad_step + i];
      }
    w += n;
  }
}

// Over an element, the outputs of a row ascend as the taps descend: so all outputs of one tap may go at once.
template <class T, int fixed_stride>
STRETTO_INLINE void spread_row(const PoolAxis& axis, const T* __restrict shares, T* __restrict dx) {
  const std::int64_t stride = fixed_stride ? fixed_stride : axis.stride;
  for (std::int64_t t = axis.window - 1; t >= 0; --t) {
    const std::int64_t offset = t * axis.dilation - axis.before;
    const std::int64_t begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    std::int64_t end = axis.size - 1 - offset < 0 ? 0 : (axis.size - 1 - offset) / stride + 1;
    if (end > axis.outputs) end = axis.outputs;
    T* to = dx + offset;
    for (std::int64_t j = begin; j < end; ++j) to[j * stride] = to[j * stride] + shares[j];
  }
}

template <class T>
STRETTO_INLINE void spread(const PoolGradientArgs& args, const T* grad, T* dx, std::int64_t d, std::int64_t h,
                           std::int64_t channels, T* shares) {
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t* step = args.dx.strides.at + 2;
  const std::int64_t rows = axis[0].counted(d, args.count_padding) * axis[1].counted(h, args.count_padding);
  std::int64_t d_begin, d_end, h_begin, h_end;
  inner(axis[0], d, d_begin, d_end);
  inner(axis[1], h, h_begin, h_end);
  const bool in_order = args.channels_last || axis[2].adaptive;
  if (!in_order)
    for (std::int64_t w = 0; w < axis[2].outputs; ++w)
      shares[w] = grad[w] / T(rows * axis[2].counted(w, args.count_padding));
  for (std::int64_t i = d_begin; i < d_end; ++i) {
    for (std::int64_t j = h_begin; j < h_end; ++j) {
      T* row = dx + (axis[0].begin(d) + i * axis[0].dilation) * step[0] +
               (axis[1].begin(h) + j * axis[1].dilation) * step[1];
      if (!in_order) {
        if (axis[2].stride == 1)
          spread_row<T, 1>(axis[2], shares, row);
        else if (axis[2].stride == 2)
          spread_row<T, 2>(axis[2], shares, row);
        else
          spread_row<T, 0>(axis[2], shares, row);
        continue;
      }
      for (std::int64_t w = 0; w < axis[2].outputs; ++w) {
        const T count = T(rows * axis[2].counted(w, args.count_padding));
        const T* g = grad + w * args.grad.strides[4];
        for (std::int64_t c = 0; c < channels; ++c) shares[c] = g[c] / count;
        std::int64_t w_begin, w_end;
        inner(axis[2], w, w_begin, w_end);
        for (std::int64_t k = w_begin; k < w_end; ++k) {
          T* __restrict to = row + (axis[2].begin(w) + k * axis[2].dilation) * step[2];
          for (std::int64_t c = 0; c < channels; ++c) to[c] = to[c] + shares[c];
        }
      }
    }
  }
}

template <class T, PoolGradientKind kind>
void run(const PoolGradientArgs& args, int threads) {
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t c_count = args.dx.shape[1];
  const std::int64_t blocks = args.channels_last ? (c_count + kBlock - 1) / kBlock : c_count;
  const std::int64_t positions = axis[0].size * axis[1].size * axis[2].size;
  const int used = args.dx.size() < kThreadedElements ? 1 : threads;
  parallel_for(args.dx.shape[0] * blocks, 1, used, [&](std::int64_t begin, std::int64_t end) {
    const Scratch scratch((axis[2].outputs + kBlock) * std::int64_t(sizeof(T)));
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t n = item / blocks, c = item % blocks * (args.channels_last ? kBlock : 1);
      const std::int64_t channels = !args.channels_last ? 1 : c_count - c < kBlock ? c_count - c : kBlock;
      const std::int64_t plane = n * args.dx.strides[0] + c * args.dx.strides[1];
      T* dx = args.dx.as<T>() + plane;
      for (std::int64_t p = 0; p < positions; ++p)
        for (std::int64_t i = 0; i < channels; ++i) dx[p * args.dx.strides[4] + i] = T(0);
      for (std::int64_t d = 0; d < axis[0].outputs; ++d) {
        for (std::int64_t h = 0; h < axis[1].outputs; ++h) {
          const T* grad = args.grad.as<T>() + n * args.grad.strides[0] + c * args.grad.strides[1] +
                          d * args.grad.strides[2] + h * args.grad.strides[3];
          if constexpr (kind == PoolGradientKind::max)
            scatter_largest(args, args.x.as<T>() + plane, grad, dx, d, h, channels);
          else
            spread(args, grad, dx, d, h, channels, scratch.as<T>());
        }
      }
    }
  });
}

}  // namespace

void pool_gradient_max(const PoolGradientArgs& args, int threads) {
  if (args.grad.dtype == DType::f32)
    run<float, PoolGradientKind::max>(args, threads);
  else
    run<double, PoolGradientKind::max>(args, threads);
}

void pool_gradient_average(const PoolGradientArgs& args, int threads) {
  if (args.grad.dtype == DType::f32)
    run<float, PoolGradientKind::average>(args, threads);
  else
    run<double, PoolGradientKind::average>(args, threads);
}

}  // namespace stretto::STRETTO_ISA
