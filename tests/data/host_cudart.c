/* CUDA's runtime API in the memory of the CPU: signatures of cuda_runtime_api.h, what we call of it.
   Lets the ctypes binding be tested with a real shared library and real 64-bit addresses. */
#include <stdlib.h>
#include <string.h>

typedef int error_t;
enum { SUCCESS = 0, INVALID = 1, NO_MEMORY = 2 };
static int recording = 0;

const char *cudaGetErrorString(error_t error) {
  return error == NO_MEMORY ? "out of memory" : error == INVALID ? "invalid argument" : "no error";
}
#ifdef TOO_NEW_FOR_THE_DRIVER
error_t cudaGetDeviceCount(int *count) { *count = 0; return 35; }
#else
error_t cudaGetDeviceCount(int *count) { *count = 1; return SUCCESS; }
#endif
error_t cudaSetDevice(int device) { return device == 0 ? SUCCESS : INVALID; }
error_t cudaRuntimeGetVersion(int *version) { *version = 12060; return SUCCESS; }
error_t cudaDriverGetVersion(int *version) { *version = 12060; return SUCCESS; }
error_t cudaMemGetInfo(size_t *free_, size_t *total) {
  *free_ = (size_t)5 << 30; *total = (size_t)8 << 30; return SUCCESS;
}
error_t cudaDeviceGetAttribute(int *value, int attribute, int device) {
  switch (attribute) {
    case 16: *value = 8; break;  /* multiprocessors */
    case 18: *value = 1; break;  /* integrated */
    case 75: *value = 8; break;
    case 76: *value = 7; break;
    default: return INVALID;
  }
  return device == 0 ? SUCCESS : INVALID;
}
error_t cudaGetDeviceProperties(void *properties, int device) {
  memset(properties, 0x7f, 1100);
  strcpy(properties, "Orin");
  return device == 0 ? SUCCESS : INVALID;
}
error_t cudaMalloc(void **address, size_t size) {
  if (size > ((size_t)8 << 30)) return NO_MEMORY;
  *address = malloc(size);
  return SUCCESS;
}
error_t cudaFree(void *address) { free(address); return SUCCESS; }
error_t cudaHostAlloc(void **address, size_t size, unsigned flags) {
  (void)flags;
  return cudaMalloc(address, size);
}
error_t cudaFreeHost(void *address) { return cudaFree(address); }
error_t cudaHostGetDevicePointer(void **device, void *host, unsigned flags) {
  *device = host; return flags == 0 ? SUCCESS : INVALID;
}
error_t cudaMemcpyAsync(void *to, const void *from, size_t size, int kind, void *stream) {
  if (stream == NULL || kind < 1 || kind > 2) return INVALID;
  memcpy(to, from, size);
  return SUCCESS;
}
error_t cudaStreamCreateWithFlags(void **stream, unsigned flags) {
  *stream = malloc(1); return flags == 1 ? SUCCESS : INVALID;
}
error_t cudaStreamDestroy(void *stream) { free(stream); return SUCCESS; }
error_t cudaStreamSynchronize(void *stream) { return stream && !recording ? SUCCESS : INVALID; }
error_t cudaStreamWaitEvent(void *stream, void *event, unsigned flags) {
  return stream && event && flags == 0 ? SUCCESS : INVALID;
}
error_t cudaStreamBeginCapture(void *stream, int mode) {
  recording = 1; return stream && mode == 1 ? SUCCESS : INVALID;
}
error_t cudaStreamEndCapture(void *stream, void **graph) {
  recording = 0; *graph = malloc(1); return stream ? SUCCESS : INVALID;
}
error_t cudaGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags) {
  *executable = malloc(1); return graph && flags == 0 ? SUCCESS : INVALID;
}
error_t cudaGraphDestroy(void *graph) { free(graph); return SUCCESS; }
error_t cudaGraphLaunch(void *executable, void *stream) {
  return executable && stream ? SUCCESS : INVALID;
}
error_t cudaGraphExecDestroy(void *executable) { free(executable); return SUCCESS; }
error_t cudaEventCreate(void **event) { *event = malloc(1); return SUCCESS; }
error_t cudaEventDestroy(void *event) { free(event); return SUCCESS; }
error_t cudaEventRecord(void *event, void *stream) { return event && stream ? SUCCESS : INVALID; }
error_t cudaEventElapsedTime(float *ms, void *start, void *end) {
  *ms = 1.5f; return start && end ? SUCCESS : INVALID;
}
