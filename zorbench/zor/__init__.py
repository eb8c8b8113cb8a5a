"""The Zor core: its two published learning rules as small networks of tensors.

Needs torch, and safetensors to keep networks in files. Knows nothing of the harness, so it can be used, read
and taken away by itself.
"""

from zorbench.zor.analog import Zor
from zorbench.zor.diagnosis import Diagnosis, diagnose
from zorbench.zor.ensemble import ZorEnsemble
from zorbench.zor.layer import ConvLayer, ConvTransposeLayer, Layer, NoveltyLayer
from zorbench.zor.novelty import NoveltyZor

__all__ = [
    "ConvLayer",
    "ConvTransposeLayer",
    "Diagnosis",
    "Layer",
    "NoveltyLayer",
    "NoveltyZor",
    "Zor",
    "ZorEnsemble",
    "diagnose",
]
