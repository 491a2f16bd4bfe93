// A block of threads on the host: every thread is a fiber. What is asynchronous is done as late as it may be.
// Shared memory starts as NaN.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "base/dtype.h"
#include "cuda/fibers.h"

namespace stretto {

// A matrix in shared memory as products of warpgroups read it: lines of 128 bytes, of which those of k or, if
// neighbours lie across k, of 64 elements of 8 lines of k are swizzled together.
class SharedMatrix {
 public:
  SharedMatrix(const void* start, int far) : start_(reinterpret_cast<std::uintptr_t>(start)), far_(far) {}

  template <TensorKind kKind, bool kAcross>
  float element(int further, int line, int k) const {
    constexpr int kSize = kKind == TensorKind::tf32 ? 4 : 2;
    std::uintptr_t at = start_ + std::uintptr_t(further);
    if (kAcross)
      at += std::uintptr_t(line / 64 * far_ + line % 64 * kSize + k / 8 * 1024 + k % 8 * 128);
    else
      at += std::uintptr_t(line / 8 * 1024 + line % 8 * 128 + k * kSize);
    at ^= (at >> 7 & 7) << 4;
    if constexpr (kKind == TensorKind::tf32) {  // the hardware cuts the last 13 bits off
      std::uint32_t bits;
      std::memcpy(&bits, reinterpret_cast<const void*>(at), 4);
      return std::bit_cast<float>(bits & ~std::uint32_t(0x1fff));
    } else {
      std::uint16_t half;
      std::memcpy(&half, reinterpret_cast<const void*>(at), 2);
      return kKind == TensorKind::bf16 ? to_float(bfloat16{half}) : to_float(float16{half});
    }
  }

 private:
  std::uintptr_t start_;
  int far_;
};

class Block {
 public:
  Block(std::int64_t index, int thread, Fibers* fibers) : index_(index), thread_(thread), fibers_(fibers) {}

  int thread() const { return thread_; }
  std::int64_t index() const { return index_; }
  void sync() const { fibers_->sync(); }
  template <class T>
  T shuffle_down(T value, int lanes) const {
    const bool within = thread_ % 32 + lanes < 32;
    return fibers_->exchange(thread_, value, within ? thread_ + lanes : thread_);
  }

  // Copies are made as late as they may be, when they are waited for, or at once: what is read too early, or
  // written while it is still read, shows in one of the two.
  static inline bool copies_at_once = false;
  void copy_piece(void* to, const void* from, int bytes) const {
    const Copy copy{to, from, bytes, group_};
    if (copies_at_once)
      copy.make();
    else
      copies_.push_back(copy);
  }
  void commit_copies() const { ++group_; }
  template <int kLeft>
  void wait_for_copies() const {
    std::size_t done = 0;
    for (; done < copies_.size() && copies_[done].group < group_ - kLeft; ++done) copies_[done].make();
    copies_.erase(copies_.begin(), copies_.begin() + std::ptrdiff_t(done));
  }

  void load_matrices(std::uint32_t (&to)[4], const void* row, bool transposed) const {
    const int lane = thread_ % 32, first = thread_ - lane;
    fibers_->offer(thread_, row);
    for (int q = 0; q < 4; ++q) {
      std::uint16_t pair[2];
      for (int e = 0; e < 2; ++e) {
        const int r = transposed ? lane % 4 * 2 + e : lane / 4, c = transposed ? lane / 4 : lane % 4 * 2 + e;
        std::memcpy(&pair[e],
                    static_cast<const char*>(fibers_->offered<const void*>(first + 8 * q + r)) + 2 * c, 2);
      }
      to[q] = std::uint32_t(pair[1]) << 16 | pair[0];
    }
    fibers_->yield();
  }

  // The order within the product is the hardware's own business: here k increases.
  template <TensorKind kKind>
  void multiply_matrices(float (&acc)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                         std::uint32_t b1) const {
    struct Factors {
      std::uint32_t a[4], b[2];
    };
    fibers_->offer(thread_, Factors{{a[0], a[1], a[2], a[3]}, {b0, b1}});
    const int lane = thread_ % 32, first = thread_ - lane;
    for (int e = 0; e < 4; ++e) {
      const int row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
      for (int half = 0; half < 2; ++half)
        for (int word = 0; word < 4; ++word) {
          const auto x = fibers_->offered<Factors>(first + row % 8 * 4 + word).a[row / 8 + 2 * half];
          const auto y = fibers_->offered<Factors>(first + column * 4 + word).b[half];
          for (int part = 0; part < (kKind == TensorKind::tf32 ? 1 : 2); ++part)
            acc[e] = __builtin_fmaf(factor<kKind>(x, part), factor<kKind>(y, part), acc[e]);
        }
    }
    fibers_->yield();
  }
  // Products of warpgroups are made when they are waited for.
  void publish_copies() const {}
  void begin_products() const {}
  template <int kBlocks>
  void settle(float (&)[kBlocks][4]) const {}
  template <TensorKind kKind, bool kAcrossA, bool kAcrossB, int kBlocks>
  void begin_product(float (&acc)[kBlocks][4], const SharedMatrix& a, int further_a, const SharedMatrix& b,
                     int further_b) const {
    const int thread = thread_ % 128;
    products_.push_back({products_group_, [&acc, a, b, further_a, further_b, thread] {
                           constexpr int kTerms = kKind == TensorKind::tf32 ? 8 : 16;
                           for (int j = 0; j < kBlocks; ++j)
                             for (int e = 0; e < 4; ++e) {
                               const int i = thread / 32 * 16 + thread % 32 / 4 + e / 2 * 8;
                               const int column = 8 * j + thread % 4 * 2 + e % 2;
                               for (int k = 0; k < kTerms; ++k)
                                 acc[j][e] = __builtin_fmaf(a.element<kKind, kAcrossA>(further_a, i, k),
                                                            b.element<kKind, kAcrossB>(further_b, column, k),
                                                            acc[j][e]);
                             }
                         }});
  }
  void commit_products() const { ++products_group_; }
  template <int kLeft>
  void wait_for_products() const {
    std::size_t done = 0;
    for (; done < products_.size() && products_[done].group < products_group_ - kLeft; ++done)
      products_[done].make();
    products_.erase(products_.begin(), products_.begin() + std::ptrdiff_t(done));
  }
  std::uint32_t to_tf32(std::uint32_t bits) const {
    return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fffffff : (bits + 0x1000) & ~std::uint32_t(0x1fff);
  }

 private:
  template <TensorKind kKind>
  static float factor(std::uint32_t word, int part) {
    if (kKind == TensorKind::tf32) return std::bit_cast<float>(word);
    const auto half = std::uint16_t(word >> (16 * part));
    return kKind == TensorKind::bf16 ? to_float(bfloat16{half}) : to_float(float16{half});
  }
  struct Copy {
    void* to;
    const void* from;
    int bytes, group;
    void make() const {
      char piece[16] = {};
      std::memcpy(piece, from, std::size_t(bytes));
      std::memcpy(to, piece, sizeof(piece));
    }
  };
  struct Products {
    int group;
    std::function<void()> make;
  };
  mutable std::vector<Products> products_;
  mutable int products_group_ = 0;
  mutable std::vector<Copy> copies_;
  mutable int group_ = 0;
  std::int64_t index_;
  int thread_;
  Fibers* fibers_;
};

}  // namespace stretto
