# The CUDA half: with STRETTO_CUDA=AUTO where an nvcc is found, ON must find one, OFF looks for none. The option
# may also be an environment variable, which wins. nvcc is looked for, in this order, in CMAKE_CUDA_COMPILER, the
# environment's CUDACXX, the site-packages that the environment's STRETTO_NVCC names (where pip has put
# nvidia-cuda-nvcc, nvidia-nvvm, nvidia-cuda-crt and nvidia-cuda-runtime, all of one version), and PATH.
# Sets STRETTO_CUDA_FOUND, and enables the language.
set(STRETTO_CUDA AUTO CACHE STRING "Build the CUDA kernels: AUTO, ON or OFF")
if(DEFINED ENV{STRETTO_CUDA})
  set(STRETTO_CUDA "$ENV{STRETTO_CUDA}")  # for this build, not for later ones in the same folder
endif()
set(STRETTO_CUDA_ARCHITECTURES "" CACHE STRING "What the CUDA kernels are compiled for, as CMake's CUDA_ARCHITECTURES; by default 8.0, 9.0 and PTX for others")
set(STRETTO_CUDA_FOUND OFF)
set(STRETTO_LEAST_NVCC 12.8)  # the first that compresses for size
set(STRETTO_LEAST_CMAKE 3.26)  # the first that knows CUDA's C++20

if(STRETTO_CUDA)  # neither OFF nor empty
  set(nvcc "$ENV{CUDACXX}")
  if(NOT EXISTS "${CMAKE_CUDA_COMPILER}")  # of an earlier run
    unset(CMAKE_CUDA_COMPILER CACHE)
  endif()
  if(CMAKE_CUDA_COMPILER)
    set(nvcc "${CMAKE_CUDA_COMPILER}")
  endif()
  if(NOT nvcc AND DEFINED ENV{STRETTO_NVCC})
    file(GLOB found "$ENV{STRETTO_NVCC}/nvidia/*/bin/nvcc")
    if(found)
      list(GET found -1 nvcc)
    endif()
  endif()
  if(NOT nvcc)
    find_program(STRETTO_NVCC_ON_PATH nvcc)
    set(nvcc "${STRETTO_NVCC_ON_PATH}")
  endif()
  # The wheels have their libraries in lib, where nvcc does not look.
  get_filename_component(root "${nvcc}" DIRECTORY)
  get_filename_component(root "${root}" DIRECTORY)
  if(nvcc AND EXISTS "${root}/lib/libcudart_static.a" AND NOT EXISTS "${root}/lib64")
    set(CMAKE_CUDA_FLAGS_INIT "-L${root}/lib")
    set(ENV{LIBRARY_PATH} "${root}/lib:$ENV{LIBRARY_PATH}")
  endif()
  set(CMAKE_CUDA_ARCHITECTURES 80)  # targets have their own
  if(nvcc)
    execute_process(COMMAND "${nvcc}" --version OUTPUT_VARIABLE version ERROR_QUIET RESULT_VARIABLE failed)
    string(REGEX MATCH "release ([0-9.]+)" version "${version}")
    if(failed OR CMAKE_MATCH_1 VERSION_LESS STRETTO_LEAST_NVCC OR CMAKE_VERSION VERSION_LESS STRETTO_LEAST_CMAKE)
      set(nvcc "")
      unset(CMAKE_CUDA_COMPILER CACHE)
    endif()
  endif()
  if(nvcc AND NOT CMAKE_CUDA_COMPILER)  # tried in a project of its own, so that one that does not work is no error
    set(ENV{CUDACXX} "${nvcc}")
    include(CheckLanguage)
    check_language(CUDA)
  endif()
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(STRETTO_CUDA_FOUND ON)
    message(STATUS "CUDA kernels: ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}")
  elseif(STRETTO_CUDA STREQUAL "AUTO")
    message(STATUS "CUDA kernels: not built, there is no nvcc that works (${STRETTO_LEAST_NVCC}, CMake ${STRETTO_LEAST_CMAKE}, or newer)")
  else()
    message(FATAL_ERROR "STRETTO_CUDA=${STRETTO_CUDA}, but there is no nvcc that works (${STRETTO_LEAST_NVCC}, CMake ${STRETTO_LEAST_CMAKE}, or newer)")
  endif()
endif()
