"""
Build and run TensorRT plans of embedding networks.

`api` alone imports TensorRT, `cuda` alone imports CUDA, both only when something is built or run;
everything else here works on a machine without a GPU.
"""
