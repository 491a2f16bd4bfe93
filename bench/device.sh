#!/usr/bin/env bash
# Builds the CUDA kernels, compares their bits with the CPU's and times them, in one call of under ten minutes.
# Needs a GPU of compute capability 8.0 or more with its driver, nvcc, cmake, ninja, a C++ compiler, and a Python with NumPy, CuPy,
# ml_dtypes, safetensors, pybind11 and scikit-build-core; PyTorch is timed too where it is there. Nothing is downloaded.
#   PYTHON=python3 bench/device.sh [folder for the results]
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
out=${1:-${OUT:-build/device}}
mkdir -p "$out"
started=$SECONDS
say() { printf '\n== %s (%d s)\n' "$1" "$((SECONDS - started))"; }
failed=()
check() {  # seconds, what, command: goes on after a failure, which the end tells
  local limit=$1 what=$2
  shift 2
  say "$what"
  timeout "$limit" "$@" || failed+=("$what")
}

say 'build'
if command -v nvidia-smi >/dev/null; then nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; fi
target=build/device-install
STRETTO_CUDA=ON CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) "$python" -m pip install --quiet --no-build-isolation --no-deps \
  --no-index --upgrade --target "$target" . -C cmake.define.STRETTO_CUDA_ARCHITECTURES=native
export PYTHONPATH=$PWD/$target:$PWD

check 160 'the bits of every op' "$python" -m bench.device bits "$out/bits.json" --seconds 120
check 60 'plans' "$python" -m bench.device_plans "$out/plans.json"
check 60 'plans as graphs' env STRETTO_CUDA_GRAPHS=1 "$python" -m bench.device_plans "$out/graphs.json"
check 60 'tensor cores' env STRETTO_CUDA_TENSOR_CORES=1 "$python" -m bench.device_tensor "$out/tensor.json"
check 60 'tensor cores of 8.0' env STRETTO_CUDA_TENSOR_CORES=mma "$python" -m bench.device_tensor "$out/tensor_mma.json"
check 160 'times' "$python" -m bench.device times "$out/times.json" --seconds 120
if command -v compute-sanitizer >/dev/null; then
  check 90 'memory, on small arrays' compute-sanitizer --tool memcheck --error-exitcode 9 "$python" -m bench.device bits \
    "$out/memcheck.json" --seconds 20
fi
say "done; failed: ${failed[*]:-nothing}"
[ "${#failed[@]}" -eq 0 ]
