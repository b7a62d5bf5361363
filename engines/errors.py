"""
What can go wrong with networks. Every message names the operator's next step.

* EnginesError
  x CatalogueError            a name, a download or a hash
    + UnknownEntryError
    + EntryError              a file with a catalogue entry is wrong
    + FetchError              the registry client is missing, failed, or was cut short
    + HashMismatchError
  x NetworkError              a file is not a usable face recognition network
    + PrecisionError          a network that FP16 cannot hold
  x RecipeError               a pruning recipe that cannot be carried out
  x CalibrationError          no recipe can be found on these faces
  x PairError                 an engine pair
    + PairRefusedError        built, but collapsed or did not move
    + PairIntegrityError      edited, swapped, mixed, truncated or of another version
    + PairSignatureError      not signed with the key that is insisted on; exit code 78
  x EmbeddingError            an embedding without a direction: zero, NaN or infinite
  x AlignmentError            five landmarks that span no face
  x BackendError              the inference library refused
    + ProviderError           ONNX Runtime has no such execution provider, or it did not load
  x EvaluationError           a figure that these pairs cannot give
"""


class EnginesError(Exception):
    """Base of everything this package raises on purpose."""


class CatalogueError(EnginesError):
    """A network, detector or photograph could not be obtained."""


class UnknownEntryError(CatalogueError, KeyError):
    """No catalogue entry has this name."""

    def __str__(self) -> str:
        # KeyError would show the message's repr.
        return str(self.args[0])


class EntryError(CatalogueError, ValueError):
    """A file with a catalogue entry is wrong; the message names the file and each key."""


class FetchError(CatalogueError, OSError):
    """The registry client is missing, failed, or the download was cut short."""


class HashMismatchError(CatalogueError, ValueError):
    """A file's SHA-256 is not the pinned one."""


class NetworkError(EnginesError, ValueError):
    """A file is not a usable face recognition network."""


class PrecisionError(NetworkError):
    """FP16 cannot hold this network's weights or activations."""


class RecipeError(EnginesError, ValueError):
    """A pruning recipe is out of range or names layers that do not exist."""


class CalibrationError(EnginesError, ValueError):
    """No recipe can be found: too few faces, or no candidate is fit."""


class PairError(EnginesError):
    """An engine pair cannot be used."""


class PairRefusedError(PairError, ValueError):
    """The pruned network collapsed or did not move, so its shift says nothing of quality."""


class NotBetterError(PairRefusedError):
    """The pair's measure is not better than the free embedding norm."""


class PairIntegrityError(PairError, ValueError):
    """The pair's files are not the ones its manifest promises."""


class PairSignatureError(PairError, ValueError):
    """A pair bears no valid signature of the key, or the key itself cannot be used."""


class EmbeddingError(EnginesError, ValueError):
    """An embedding is zero, NaN or infinite, so it has no direction."""


class AlignmentError(EnginesError, ValueError):
    """Five landmarks do not span a face."""


class BackendError(EnginesError, RuntimeError):
    """The inference library refused a network or an input."""


class ProviderError(BackendError):
    """An execution provider that is insisted on is not there, or did not load."""


class EvaluationError(EnginesError, ValueError):
    """A figure is undefined on these pairs: too few of them, or without errors."""
