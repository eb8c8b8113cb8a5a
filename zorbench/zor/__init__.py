"""The Zor core: its two published learning rules as small networks of tensors.

Needs torch alone and knows nothing of the harness, so it can be used, read and taken away by itself.
"""

from zorbench.zor.analog import Zor
from zorbench.zor.layer import Layer, NoveltyLayer
from zorbench.zor.novelty import NoveltyZor

__all__ = ["Layer", "NoveltyLayer", "NoveltyZor", "Zor"]
