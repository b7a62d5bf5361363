"""What the quality measures are called. Apart from them, so that `--help` can tell without them."""

MEASURES = {
    "prefiqs": "1 - D/2 of the engine pair (arXiv 2605.13396)",
    "shift_over_norm": "D over the length of the raw embedding, negative: both of them (ours)",
    "fused": "what a pair with a second opinion decides by; of any other, prefiqs",
    "norm": "length of the raw embedding (the idea of MagFace, arXiv 2103.06627)",
    "detector": "the detector's score",
    "inter_eye": "source pixels between the eyes",
    "laplacian": "variance of the Laplacian of the aligned face in grey: sharpness",
    "serfiq": "dropout before the last layer, many passes (SER-FIQ, arXiv 2003.09373)",
    "snr": "embedding's length over its expected movement under that dropout: closed form (ours)",
    "agreement": "mean 1 - D/2 of the dense network and several randomly pruned copies",
    "spread": "the SER-FIQ formula over the randomly pruned copies alone",
}
"""Every measure and what it is."""

VERIFYING_NORM = "verifying_norm"
"""The norm of the network that compares, where that is another one; stands beside `norm`."""

BY_DEFAULT = tuple(name for name in MEASURES if name != "fused")
"""Those judged unless others are asked for."""
