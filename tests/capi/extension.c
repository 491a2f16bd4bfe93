/* A C extension module, as a user would write it; it is compiled as C++ too. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "stretto/capi.h"

static const stretto_capi* stretto;

/* square(a, out, n): out = a @ a, of buffers with n * n doubles. */
static PyObject* square(PyObject* module, PyObject* arguments) {
  Py_buffer a, out;
  long long n;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "y*w*L", &a, &out, &n)) return NULL;
  const stretto_matmul_shape shape = {.batch = 1, .m = n, .n = n, .k = n};
  int status;
  Py_BEGIN_ALLOW_THREADS;
  status = stretto->matmul_f64(&shape, (const double*)a.buf, (const double*)a.buf, (double*)out.buf, 0, NULL);
  Py_END_ALLOW_THREADS;
  PyBuffer_Release(&a);
  PyBuffer_Release(&out);
  if (status != STRETTO_OK) return stretto_raise(stretto, status);
  Py_RETURN_NONE;
}

static PyObject* raise_status(PyObject* module, PyObject* status) {
  (void)module;
  return stretto_raise(stretto, (int)PyLong_AsLong(status));
}

static PyMethodDef methods[] = {{"square", square, METH_VARARGS, NULL},
                                {"raise_status", raise_status, METH_O, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "extension", .m_methods = methods};

PyMODINIT_FUNC PyInit_extension(void) {
  stretto = stretto_import_capi();
  return stretto ? PyModule_Create(&definition) : NULL;
}
