// The module `_cuda`: a capsule with the table of the CUDA kernels, and nothing else. It can be imported on a
// machine without a device; the table says whether its kernels can run.
#include <Python.h>

#include "kernels/cuda_table.h"

namespace stretto {
extern const CudaTable kCudaKernels;
}

namespace {

int fill(PyObject* module) {
  auto* table = const_cast<stretto::CudaTable*>(&stretto::kCudaKernels);
  PyObject* capsule = PyCapsule_New(table, stretto::kCudaTableCapsule, nullptr);
  if (!capsule) return -1;
  const int status = PyModule_AddObjectRef(module, "table", capsule);
  Py_DECREF(capsule);
  return status;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(fill)},
#if PY_VERSION_HEX >= 0x030d0000
                            {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
                            {0, nullptr}};
PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_cuda", "The CUDA kernels.", 0, nullptr, slots, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__cuda() { return PyModuleDef_Init(&definition); }
