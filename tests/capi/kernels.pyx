# What docs/c_and_cython.md does not show: every function, errors, and calls before import_stretto().
from stretto.cython_kernels cimport (
    STRETTO_NOT_IMPORTED, check, conv_bf16, conv_f32, conv_f64, conv_shape, import_stretto, matmul_bf16, matmul_f32,
    matmul_f64, matmul_shape, stretto_bfloat16, stretto_conv_shape, stretto_conv_size, stretto_matmul_shape,
)

from libc.stdint cimport uintptr_t


def without_import():
    cdef stretto_matmul_shape product = matmul_shape(1, 1, 1, 1)
    cdef stretto_conv_shape image = conv_shape(2, 1, 1, 1)
    return {
        matmul_f32(&product, NULL, NULL, NULL, 0, NULL), matmul_f64(&product, NULL, NULL, NULL, 0, NULL),
        matmul_bf16(&product, NULL, NULL, NULL, 0, NULL), conv_f32(&image, NULL, NULL, NULL, 0, NULL),
        conv_f64(&image, NULL, NULL, NULL, 0, NULL), conv_bf16(&image, NULL, NULL, NULL, 0, NULL),
    } == {STRETTO_NOT_IMPORTED}


def raise_without_import():
    check(STRETTO_NOT_IMPORTED)


def fetch():
    import_stretto()


def matmuls(str dtype, uintptr_t a, uintptr_t b, uintptr_t out, int count, int n):
    """Square products one by one, of stacks at these addresses."""
    cdef stretto_matmul_shape shape = matmul_shape(1, n, n, n)
    cdef int i, kind = ("float32", "float64", "bfloat16").index(dtype)
    cdef Py_ssize_t at
    with nogil:
        for i in range(count):
            at = i * <Py_ssize_t>n * n
            if kind == 0:
                check(matmul_f32(&shape, <float *>a + at, <float *>b + at, <float *>out + at, 1, NULL))
            elif kind == 1:
                check(matmul_f64(&shape, <double *>a + at, <double *>b + at, <double *>out + at, 1, NULL))
            else:
                check(matmul_bf16(&shape, <stretto_bfloat16 *>a + at, <stretto_bfloat16 *>b + at,
                                  <stretto_bfloat16 *>out + at, 1, NULL))


def convs(str dtype, uintptr_t x, uintptr_t w, uintptr_t out, int samples, int channels, int outputs, int size):
    """Images one by one under a 3x3 kernel with a stride of 2."""
    cdef stretto_conv_shape shape = conv_shape(2, 1, channels, outputs)
    cdef int i, axis, kind = ("float32", "float64", "bfloat16").index(dtype)
    cdef Py_ssize_t read, written
    for axis in range(2):
        shape.size[axis] = size
        shape.kernel[axis] = 3
        shape.stride[axis] = 2
        shape.before[axis] = 1
    with nogil:
        for i in range(samples):
            read = i * <Py_ssize_t>channels * size * size
            written = i * outputs * stretto_conv_size(&shape, 0) * stretto_conv_size(&shape, 1)
            if kind == 0:
                check(conv_f32(&shape, <float *>x + read, <float *>w, <float *>out + written, 1, NULL))
            elif kind == 1:
                check(conv_f64(&shape, <double *>x + read, <double *>w, <double *>out + written, 1, NULL))
            else:
                check(conv_bf16(&shape, <stretto_bfloat16 *>x + read, <stretto_bfloat16 *>w,
                                <stretto_bfloat16 *>out + written, 1, NULL))
