/* stretto for C, C++ and Cython: a table of functions on raw memory, to be called without the GIL.
 * docs/c_and_cython.md shows it in use.
 *
 * - Bits: those of st.matmul, st.conv1d, st.conv2d or st.conv3d of the same values, whatever the number of
 *   threads, the strides and the machine (docs/numerics.md).
 * - Memory: the caller owns every array, before and after the call; nothing is kept. Pointers are aligned to
 *   their element. Strides are in elements, of any sign; 0 repeats an operand, but not `out`. `out` may
 *   overlap an operand: the result is then formed aside and copied.
 * - Threads: 0 is the default of st.matmul; within a parallel region of OpenMP it is 1. Calls may run at the
 *   same time on any number of threads. A call runs to its end: signals wait for it.
 * - Errors: a status that is not STRETTO_OK, and error_text() with the words. `out` is as it was, unless
 *   memory ran out on the way. No exception leaves a call.
 * - Growth: members are only ever appended; a table has all that tables of lower versions had.
 */
#ifndef STRETTO_CAPI_H
#define STRETTO_CAPI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STRETTO_CAPI_VERSION 1
#define STRETTO_CAPI_NAME "stretto._core.capi" /* of the capsule that holds the table */

enum stretto_status {
  STRETTO_OK = 0,
  STRETTO_INVALID = 1,     /* an argument is wrong: ValueError */
  STRETTO_NO_KERNEL = 2,   /* nothing fits this machine or its settings: NotImplementedError */
  STRETTO_NO_MEMORY = 3,   /* MemoryError */
  STRETTO_FAILED = 4,      /* RuntimeError */
  STRETTO_NOT_IMPORTED = 5 /* there is no table yet */
};

enum stretto_activation {
  STRETTO_NO_ACTIVATION = 0,
  STRETTO_RELU = 1,
  STRETTO_RELU6 = 2,
  STRETTO_LEAKY_RELU = 3, /* parameter: slope for x < 0 */
  STRETTO_ELU = 4,        /* parameter: alpha */
  STRETTO_SIGMOID = 5,
  STRETTO_HARD_SIGMOID = 6,
  STRETTO_HARD_SWISH = 7,
  STRETTO_TANH = 8,
  STRETTO_GELU = 9,
  STRETTO_GELU_TANH = 10,
  STRETTO_SILU = 11,
  STRETTO_SOFTPLUS = 12
};

enum stretto_precision { STRETTO_HIGHEST = 0, STRETTO_HIGH = 1, STRETTO_MEDIUM = 2 };

typedef uint16_t stretto_bfloat16; /* the upper half of a float32 */

/* out[i] = a[i] @ b[i] for i < batch: a is (batch, m, k), b (batch, k, n), out (batch, m, n). */
typedef struct stretto_matmul_shape {
  int64_t batch, m, n, k;
  const int64_t *a_strides, *b_strides, *out_strides; /* 3 each; NULL: C order */
} stretto_matmul_shape;

/* Cross-correlation over 1, 2 or 3 axes: x is (samples, channels, size...), w (outputs, channels / groups,
 * kernel...), out (samples, outputs, stretto_conv_size(shape, axis)...). With channels_last x and out are
 * (samples, size..., channels). Of the arrays the first `axes` entries count. */
typedef struct stretto_conv_shape {
  int32_t axes;
  int32_t channels_last;
  int64_t samples, channels, outputs;
  int64_t groups; /* 0: 1 */
  int64_t size[3], kernel[3];
  int64_t stride[3], dilation[3];                     /* 0: 1 */
  int64_t before[3], after[3];                        /* zeros that pad x */
  const int64_t *x_strides, *w_strides, *out_strides; /* axes + 2 each, in the order above; NULL: C order */
} stretto_conv_shape;

/* What follows the sums: z = sum + bias; z = fma(z, scale, shift); z = z + residual; out = activation(z).
 * NULL leaves a term out. Elements are of the call's type. Set `size`, and what is not used to 0. */
typedef struct stretto_options {
  uint64_t size;                   /* sizeof(stretto_options) */
  int32_t activation;              /* enum stretto_activation */
  int32_t precision;               /* enum stretto_precision */
  double parameter;                /* of the activation */
  const void* bias;                /* n, or outputs, elements */
  const void *scale, *shift;       /* as many; both or neither */
  const void* residual;            /* of out's shape */
  const int64_t* residual_strides; /* as out's; NULL: C order */
} stretto_options;

/* options may be NULL. The pointers of an array without elements may be NULL. */
typedef struct stretto_capi {
  uint32_t version;
  uint32_t size; /* of the table, in bytes */

  /* What the last call that failed on this thread said; valid until the next one that fails. */
  const char* (*error_text)(void);

  int (*matmul_f32)(const stretto_matmul_shape* shape, const float* a, const float* b, float* out,
                    int threads, const stretto_options* options);
  int (*matmul_f64)(const stretto_matmul_shape* shape, const double* a, const double* b, double* out,
                    int threads, const stretto_options* options);
  int (*matmul_bf16)(const stretto_matmul_shape* shape, const stretto_bfloat16* a, const stretto_bfloat16* b,
                     stretto_bfloat16* out, int threads, const stretto_options* options);

  int (*conv_f32)(const stretto_conv_shape* shape, const float* x, const float* w, float* out, int threads,
                  const stretto_options* options);
  int (*conv_f64)(const stretto_conv_shape* shape, const double* x, const double* w, double* out, int threads,
                  const stretto_options* options);
  int (*conv_bf16)(const stretto_conv_shape* shape, const stretto_bfloat16* x, const stretto_bfloat16* w,
                   stretto_bfloat16* out, int threads, const stretto_options* options);
} stretto_capi;

/* Outputs along an axis; not positive when the kernel is larger than the padded input. */
static inline int64_t stretto_conv_size(const stretto_conv_shape* shape, int axis) {
  const int64_t stride = shape->stride[axis] ? shape->stride[axis] : 1;
  const int64_t dilation = shape->dilation[axis] ? shape->dilation[axis] : 1;
  const int64_t span = (shape->kernel[axis] - 1) * dilation + 1;
  const int64_t padded = shape->size[axis] + shape->before[axis] + shape->after[axis];
  return padded < span ? 0 : (padded - span) / stride + 1;
}

/* For those who include Python.h first. */
#ifdef Py_PYTHON_H

/* The table, which lives as long as the process, or NULL with a Python error set. Call it with the GIL. */
static inline const stretto_capi* stretto_import_capi(void) {
  const stretto_capi* capi = (const stretto_capi*)PyCapsule_Import(STRETTO_CAPI_NAME, 0);
  if (capi && capi->version < STRETTO_CAPI_VERSION) {
    PyErr_Format(PyExc_ImportError,
                 "stretto: the table of C functions has version %u, this module was compiled for version %d; "
                 "install a newer stretto",
                 (unsigned)capi->version, STRETTO_CAPI_VERSION);
    return 0;
  }
  return capi;
}

/* Sets the Python error that a failed status stands for, and returns NULL. Call it with the GIL. */
static inline PyObject* stretto_raise(const stretto_capi* capi, int status) {
  PyObject* const kinds[] = {0, PyExc_ValueError, PyExc_NotImplementedError, PyExc_MemoryError};
  PyErr_SetString(status > STRETTO_OK && status < STRETTO_FAILED ? kinds[status] : PyExc_RuntimeError,
                  capi ? capi->error_text() : "stretto: there is no table yet: call import_stretto() first");
  return 0;
}

#endif /* Py_PYTHON_H */

#ifdef __cplusplus
}
#endif

#endif /* STRETTO_CAPI_H */
