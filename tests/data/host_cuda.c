/* CUDA's driver API in the memory of the CPU, compiled against NVIDIA's own cuda.h: what pycuda and
   cuda-python's own runtime call of it. One device, contexts per thread, work done at once, graphs
   of copies. What is not here is `not supported`, see the weak symbols that are linked with it.
   HOST_CUDA_VERSION is what the driver says of itself, HOST_CUDA_DEVICES how many devices it has. */
#include <cuda.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16, COPIES = 64 };
static int started = 0;
static struct CUctx_st *const primary = (struct CUctx_st *)0x100;
static __thread struct CUctx_st *contexts[DEPTH];
static __thread int depth = 0;

struct CUstream_st { int recording; };
struct CUevent_st { long recorded; };
struct CUgraph_st { int count; struct { void *to; const void *from; size_t size; } copies[COPIES]; };
struct CUgraphExec_st { struct CUgraph_st graph; };
static struct CUgraph_st *recorded = NULL;
static long now = 0;

static int setting(const char *name, int otherwise) {
  const char *text = getenv(name);
  return text ? atoi(text) : otherwise;
}
static int devices(void) { return setting("HOST_CUDA_DEVICES", 1); }
#define REQUIRE(condition, error) do { if (!(condition)) return error; } while (0)
#define STARTED REQUIRE(started, CUDA_ERROR_NOT_INITIALIZED)
#define CURRENT STARTED; REQUIRE(depth > 0 && contexts[depth - 1], CUDA_ERROR_INVALID_CONTEXT)
#define DEVICE(d) STARTED; REQUIRE((d) >= 0 && (d) < devices(), CUDA_ERROR_INVALID_DEVICE)

CUresult cuInit(unsigned int flags) {
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(devices() > 0, CUDA_ERROR_NO_DEVICE);
  started = 1;
  return CUDA_SUCCESS;
}
CUresult cuDriverGetVersion(int *version) {
  *version = setting("HOST_CUDA_VERSION", 12060);
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult error, const char **text) {
  *text = error == CUDA_ERROR_OUT_OF_MEMORY      ? "out of memory"
          : error == CUDA_ERROR_INVALID_CONTEXT  ? "invalid device context"
          : error == CUDA_ERROR_NO_DEVICE        ? "no CUDA-capable device is detected"
          : error == CUDA_ERROR_NOT_SUPPORTED    ? "operation not supported"
          : error == CUDA_SUCCESS                ? "no error"
                                                 : "invalid argument";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorName(CUresult error, const char **text) { return cuGetErrorString(error, text); }

CUresult cuDeviceGetCount(int *count) { STARTED; *count = devices(); return CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int number) {
  DEVICE(number);
  *device = number;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  DEVICE(device);
  strncpy(name, "Orin", length);
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  DEVICE(device);
  memset(uuid, 7, sizeof *uuid);
  return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) {
  DEVICE(device);
  *bytes = (size_t)8 << 30;
  return CUDA_SUCCESS;
}
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
  DEVICE(device);
  *major = 8, *minor = 7;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  DEVICE(device);
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 8; break;
    case CU_DEVICE_ATTRIBUTE_INTEGRATED: *value = setting("HOST_CUDA_INTEGRATED", 1); break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 8; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 7; break;
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY: *value = 1; break;
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: *value = 1; break;
    default: *value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  DEVICE(device);
  *context = primary;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease(CUdevice device) { DEVICE(device); return CUDA_SUCCESS; }
CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned int *flags, int *active) {
  DEVICE(device);
  *flags = 0, *active = 1;
  return CUDA_SUCCESS;
}
CUresult cuCtxGetCurrent(CUcontext *context) {
  STARTED;
  *context = depth ? contexts[depth - 1] : NULL;
  return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent(CUcontext context) {
  STARTED;
  REQUIRE(context == primary && depth < DEPTH, CUDA_ERROR_INVALID_CONTEXT);
  contexts[depth++] = context;
  return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent(CUcontext *context) {
  CURRENT;
  struct CUctx_st *left = contexts[--depth];
  if (context) *context = left;
  return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext context) {
  STARTED;
  if (depth == 0) depth = 1;
  contexts[depth - 1] = context;
  return CUDA_SUCCESS;
}
CUresult cuCtxGetDevice(CUdevice *device) { CURRENT; *device = 0; return CUDA_SUCCESS; }
CUresult cuCtxSynchronize(void) { CURRENT; return CUDA_SUCCESS; }
CUresult cuCtxGetApiVersion(CUcontext context, unsigned int *version) {
  STARTED;
  REQUIRE(context == primary, CUDA_ERROR_INVALID_CONTEXT);
  *version = 3020;
  return CUDA_SUCCESS;
}

CUresult cuMemGetInfo(size_t *free_, size_t *total) {
  CURRENT;
  *free_ = (size_t)5 << 30, *total = (size_t)8 << 30;
  return CUDA_SUCCESS;
}
static CUresult taken(void **address, size_t size) {
  CURRENT;
  REQUIRE(size > 0, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(size <= (size_t)8 << 30, CUDA_ERROR_OUT_OF_MEMORY);
  *address = malloc(size);
  return CUDA_SUCCESS;
}
static CUresult given_back(void *address) {
  CURRENT;
  REQUIRE(address, CUDA_ERROR_INVALID_VALUE);
  free(address);
  return CUDA_SUCCESS;
}
CUresult cuMemAlloc(CUdeviceptr *address, size_t size) { return taken((void **)address, size); }
CUresult cuMemFree(CUdeviceptr address) { return given_back((void *)address); }
CUresult cuMemHostAlloc(void **address, size_t size, unsigned int flags) {
  REQUIRE(flags == 0 || flags == CU_MEMHOSTALLOC_DEVICEMAP, CUDA_ERROR_INVALID_VALUE);
  return taken(address, size);
}
CUresult cuMemFreeHost(void *address) { return given_back(address); }
CUresult cuMemHostGetDevicePointer(CUdeviceptr *device, void *host, unsigned int flags) {
  CURRENT;
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE);
  *device = (CUdeviceptr)host;
  return CUDA_SUCCESS;
}

static CUresult copied(void *to, const void *from, size_t size, CUstream stream) {
  CURRENT;
  REQUIRE(stream, CUDA_ERROR_INVALID_HANDLE);
  if (!stream->recording) {
    memcpy(to, from, size);
    return CUDA_SUCCESS;
  }
  REQUIRE(recorded->count < COPIES, CUDA_ERROR_OUT_OF_MEMORY);
  int at = recorded->count++;
  recorded->copies[at].to = to, recorded->copies[at].from = from, recorded->copies[at].size = size;
  return CUDA_SUCCESS;
}
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t size, CUstream stream) {
  return copied((void *)to, from, size, stream);
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t size, CUstream stream) {
  return copied(to, (void *)from, size, stream);
}
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
  return copied((void *)to, (void *)from, size, stream);
}

CUresult cuStreamCreate(CUstream *stream, unsigned int flags) {
  CURRENT;
  REQUIRE(flags <= CU_STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE);
  *stream = calloc(1, sizeof **stream);
  return CUDA_SUCCESS;
}
CUresult cuStreamDestroy(CUstream stream) {
  CURRENT;
  REQUIRE(stream, CUDA_ERROR_INVALID_HANDLE);
  free(stream);
  return CUDA_SUCCESS;
}
CUresult cuStreamSynchronize(CUstream stream) {
  CURRENT;
  REQUIRE(!stream || !stream->recording, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return CUDA_SUCCESS;
}
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) {
  CURRENT;
  REQUIRE(stream && event && flags == 0, CUDA_ERROR_INVALID_HANDLE);
  return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent *event, unsigned int flags) {
  CURRENT;
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE);
  *event = calloc(1, sizeof **event);
  return CUDA_SUCCESS;
}
CUresult cuEventDestroy(CUevent event) {
  CURRENT;
  REQUIRE(event, CUDA_ERROR_INVALID_HANDLE);
  free(event);
  return CUDA_SUCCESS;
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  CURRENT;
  REQUIRE(event && stream, CUDA_ERROR_INVALID_HANDLE);
  event->recorded = ++now;
  return CUDA_SUCCESS;
}
CUresult cuEventSynchronize(CUevent event) { CURRENT; (void)event; return CUDA_SUCCESS; }
CUresult cuEventElapsedTime(float *ms, CUevent start, CUevent end) {
  CURRENT;
  REQUIRE(start && end && start->recorded && end->recorded, CUDA_ERROR_INVALID_HANDLE);
  *ms = 1.5f * (end->recorded - start->recorded);
  return CUDA_SUCCESS;
}

CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode mode) {
  CURRENT;
  REQUIRE(stream && mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, CUDA_ERROR_INVALID_VALUE);
  recorded = calloc(1, sizeof *recorded);
  stream->recording = 1;
  return CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  CURRENT;
  REQUIRE(stream && stream->recording, CUDA_ERROR_ILLEGAL_STATE);
  stream->recording = 0;
  *graph = recorded;
  return CUDA_SUCCESS;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *made, CUgraph graph, unsigned long long flags) {
  CURRENT;
  REQUIRE(graph && flags == 0, CUDA_ERROR_INVALID_VALUE);
  *made = malloc(sizeof **made);
  (*made)->graph = *graph;
  return CUDA_SUCCESS;
}
CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  REQUIRE(executable && stream, CUDA_ERROR_INVALID_HANDLE);
  for (int at = 0; at < executable->graph.count; at++) {
    CUresult error = copied(executable->graph.copies[at].to, executable->graph.copies[at].from,
                            executable->graph.copies[at].size, stream);
    if (error) return error;
  }
  return CUDA_SUCCESS;
}
CUresult cuGraphExecDestroy(CUgraphExec executable) { free(executable); return CUDA_SUCCESS; }
CUresult cuGraphDestroy(CUgraph graph) { free(graph); return CUDA_SUCCESS; }

/* The names as programs ask for them; cuda.h's macros turn the second into today's version. */
#define NAMED(name) {#name, (void *)name}
static const struct { const char *name; void *function; } FUNCTIONS[] = {
    NAMED(cuInit), NAMED(cuDriverGetVersion), NAMED(cuGetErrorString), NAMED(cuGetErrorName),
    NAMED(cuDeviceGetCount), NAMED(cuDeviceGet), NAMED(cuDeviceGetName), NAMED(cuDeviceGetUuid),
    NAMED(cuDeviceTotalMem), NAMED(cuDeviceComputeCapability), NAMED(cuDeviceGetAttribute),
    NAMED(cuDevicePrimaryCtxRetain), NAMED(cuDevicePrimaryCtxRelease),
    NAMED(cuDevicePrimaryCtxGetState), NAMED(cuCtxGetCurrent), NAMED(cuCtxPushCurrent),
    NAMED(cuCtxPopCurrent), NAMED(cuCtxSetCurrent), NAMED(cuCtxGetDevice), NAMED(cuCtxSynchronize),
    NAMED(cuCtxGetApiVersion), NAMED(cuMemGetInfo), NAMED(cuMemAlloc), NAMED(cuMemFree),
    NAMED(cuMemHostAlloc), NAMED(cuMemFreeHost), NAMED(cuMemHostGetDevicePointer),
    NAMED(cuMemcpyHtoDAsync), NAMED(cuMemcpyDtoHAsync), NAMED(cuMemcpyAsync), NAMED(cuStreamCreate),
    NAMED(cuStreamDestroy), NAMED(cuStreamSynchronize), NAMED(cuStreamWaitEvent),
    NAMED(cuEventCreate), NAMED(cuEventDestroy), NAMED(cuEventRecord), NAMED(cuEventSynchronize),
    NAMED(cuEventElapsedTime), NAMED(cuStreamBeginCapture), NAMED(cuStreamEndCapture),
    NAMED(cuGraphInstantiateWithFlags), NAMED(cuGraphLaunch), NAMED(cuGraphExecDestroy),
    NAMED(cuGraphDestroy),
};
CUresult cuGetProcAddress(const char *name, void **function, int version, cuuint64_t flags,
                          CUdriverProcAddressQueryResult *found) {
  (void)version, (void)flags;
  *function = NULL;
  if (strcmp(name, "cuGetProcAddress") == 0) *function = (void *)cuGetProcAddress;
  for (size_t at = 0; at < sizeof FUNCTIONS / sizeof *FUNCTIONS; at++)
    if (strcmp(name, FUNCTIONS[at].name) == 0) *function = FUNCTIONS[at].function;
  if (found)
    *found = *function ? CU_GET_PROC_ADDRESS_SUCCESS : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
