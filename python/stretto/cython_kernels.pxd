# stretto's kernels for Cython: free functions on raw memory, without the GIL. stretto/capi.h says what they mean,
# docs/c_and_cython.md shows them in use. Compile with include_dirs=[stretto.get_include()], and call import_stretto()
# once in every module, before the first call.
from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t
from libc.string cimport memset


cdef extern from "stretto/capi.h" nogil:
    enum:
        STRETTO_OK
        STRETTO_INVALID
        STRETTO_NO_KERNEL
        STRETTO_NO_MEMORY
        STRETTO_FAILED
        STRETTO_NOT_IMPORTED

    enum:
        STRETTO_NO_ACTIVATION
        STRETTO_RELU
        STRETTO_RELU6
        STRETTO_LEAKY_RELU
        STRETTO_ELU
        STRETTO_SIGMOID
        STRETTO_HARD_SIGMOID
        STRETTO_HARD_SWISH
        STRETTO_TANH
        STRETTO_GELU
        STRETTO_GELU_TANH
        STRETTO_SILU
        STRETTO_SOFTPLUS

    enum:
        STRETTO_HIGHEST
        STRETTO_HIGH
        STRETTO_MEDIUM

    ctypedef uint16_t stretto_bfloat16

    ctypedef struct stretto_matmul_shape:
        int64_t batch, m, n, k
        const int64_t *a_strides
        const int64_t *b_strides
        const int64_t *out_strides

    ctypedef struct stretto_conv_shape:
        int32_t axes
        int32_t channels_last
        int64_t samples, channels, outputs
        int64_t groups
        int64_t size[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t dilation[3]
        int64_t before[3]
        int64_t after[3]
        const int64_t *x_strides
        const int64_t *w_strides
        const int64_t *out_strides

    ctypedef struct stretto_options:
        uint64_t size
        int32_t activation
        int32_t precision
        double parameter
        const void *bias
        const void *scale
        const void *shift
        const void *residual
        const int64_t *residual_strides

    ctypedef struct stretto_capi:
        const char *(*error_text)() noexcept nogil
        int (*matmul_f32)(const stretto_matmul_shape *, const float *, const float *, float *, int,
                          const stretto_options *) noexcept nogil
        int (*matmul_f64)(const stretto_matmul_shape *, const double *, const double *, double *, int,
                          const stretto_options *) noexcept nogil
        int (*matmul_bf16)(const stretto_matmul_shape *, const stretto_bfloat16 *, const stretto_bfloat16 *,
                           stretto_bfloat16 *, int, const stretto_options *) noexcept nogil
        int (*conv_f32)(const stretto_conv_shape *, const float *, const float *, float *, int,
                        const stretto_options *) noexcept nogil
        int (*conv_f64)(const stretto_conv_shape *, const double *, const double *, double *, int,
                        const stretto_options *) noexcept nogil
        int (*conv_bf16)(const stretto_conv_shape *, const stretto_bfloat16 *, const stretto_bfloat16 *,
                         stretto_bfloat16 *, int, const stretto_options *) noexcept nogil

    int64_t stretto_conv_size(const stretto_conv_shape *, int axis) noexcept


cdef extern from "stretto/capi.h":
    const stretto_capi *stretto_import_capi() except NULL
    object stretto_raise(const stretto_capi *, int status)


cdef extern from *:
    """
    static const stretto_capi* stretto_table = 0;
    """
    const stretto_capi *stretto_table


cdef inline int import_stretto() except -1:
    global stretto_table
    stretto_table = stretto_import_capi()
    return 0


# Raises the error of a status that is not STRETTO_OK.
cdef inline int check(int status) except -1 nogil:
    if status != STRETTO_OK:
        with gil:
            stretto_raise(stretto_table, status)
    return 0


# Structs with everything unset; a shape's sizes are filled in.
cdef inline stretto_matmul_shape matmul_shape(int64_t batch, int64_t m, int64_t n, int64_t k) noexcept nogil:
    return stretto_matmul_shape(batch, m, n, k, NULL, NULL, NULL)


cdef inline stretto_conv_shape conv_shape(int32_t axes, int64_t samples, int64_t channels,
                                          int64_t outputs) noexcept nogil:
    cdef stretto_conv_shape shape
    memset(&shape, 0, sizeof(shape))
    shape.axes = axes
    shape.samples = samples
    shape.channels = channels
    shape.outputs = outputs
    return shape


cdef inline stretto_options call_options() noexcept nogil:
    cdef stretto_options options
    memset(&options, 0, sizeof(options))
    options.size = sizeof(options)
    return options


cdef inline int matmul_f32(const stretto_matmul_shape *shape, const float *a, const float *b, float *out, int threads,
                           const stretto_options *options) noexcept nogil:
    if stretto_table == NULL:
        return STRETTO_NOT_IMPORTED
    return stretto_table.matmul_f32(shape, a, b, out, threads, options)


cdef inline int matmul_f64(const stretto_matmul_shape *shape, const double *a, const double *b, double *out,
                           int threads, const stretto_options *options) noexcept nogil:
    if stretto_table == NULL:
        return STRETTO_NOT_IMPORTED
    return stretto_table.matmul_f64(shape, a, b, out, threads, options)


cdef inline int matmul_bf16(const stretto_matmul_shape *shape, const stretto_bfloat16 *a, const stretto_bfloat16 *b,
                            stretto_bfloat16 *out, int threads, const stretto_options *options) noexcept nogil:
    if stretto_table == NULL:
        return STRETTO_NOT_IMPORTED
    return stretto_table.matmul_bf16(shape, a, b, out, threads, options)


cdef inline int conv_f32(const stretto_conv_shape *shape, const float *x, const float *w, float *out, int threads,
                         const stretto_options *options) noexcept nogil:
    if stretto_table == NULL:
        return STRETTO_NOT_IMPORTED
    return stretto_table.conv_f32(shape, x, w, out, threads, options)


cdef inline int conv_f64(const stretto_conv_shape *shape, const double *x, const double *w, double *out, int threads,
                         const stretto_options *options) noexcept nogil:
    if stretto_table == NULL:
        return STRETTO_NOT_IMPORTED
    return stretto_table.conv_f64(shape, x, w, out, threads, options)


cdef inline int conv_bf16(const stretto_conv_shape *shape, const stretto_bfloat16 *x, const stretto_bfloat16 *w,
                          stretto_bfloat16 *out, int threads, const stretto_options *options) noexcept nogil:
    if stretto_table == NULL:
        return STRETTO_NOT_IMPORTED
    return stretto_table.conv_bf16(shape, x, w, out, threads, options)
