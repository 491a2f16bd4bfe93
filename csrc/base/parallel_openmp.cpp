// The engine that borrows the threads of OpenMP. No global setting of it is changed.
#include <algorithm>

#include "base/parallel_region.h"

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace stretto {

#if defined(_OPENMP)

bool has_openmp() { return true; }
bool in_openmp_region() { return omp_in_parallel() != 0; }
int openmp_date() { return _OPENMP; }

void run_openmp(Region& region, int threads) {
#pragma omp parallel num_threads(threads)
  {
    const FloatState float_state;  // OpenMP's threads do not inherit the caller's
    region.work();
  }
}

#else

bool has_openmp() { return false; }
bool in_openmp_region() { return false; }
int openmp_date() { return 0; }
void run_openmp(Region& region, int threads) { run_claimed(region, threads); }

#endif

}  // namespace stretto
