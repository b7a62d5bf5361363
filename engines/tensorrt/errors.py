"""
What can go wrong with TensorRT. Every message names both sides and the operator's next step.

* BackendError
  x BuildError              TensorRT did not build a plan
    + ParseError            it does not understand the ONNX graph
  x CudaError               no driver, no memory, or a device that was lost
  x PlanError               a plan cannot be used here
    + PlanIntegrityError    missing, edited, truncated, or no plan at all
    + PlanMismatchError     built by another TensorRT or on another device
    + PlanInterfaceError    other inputs, outputs or batch sizes than its manifest says
"""

from engines.errors import BackendError


class BuildError(BackendError):
    """TensorRT did not build a plan; the message ends with its own words."""


class ParseError(BuildError):
    """TensorRT does not understand the ONNX graph; the message lists every node it named."""


class CudaError(BackendError):
    """CUDA has no driver, no memory, or lost the device."""


class PlanError(BackendError):
    """A plan cannot be used on this machine."""


class PlanIntegrityError(PlanError):
    """A plan or its manifest is missing, edited, truncated, or no plan at all."""


class PlanMismatchError(PlanError):
    """A plan was built by another TensorRT or on another device."""


class PlanInterfaceError(PlanError):
    """A plan's inputs, outputs or batch sizes are not those its manifest promises."""
