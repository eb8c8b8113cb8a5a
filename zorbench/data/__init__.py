"""Data sets and episodes."""

from zorbench.data.cache import cache_root
from zorbench.data.catalog import DatasetInfo, catalog, load
from zorbench.data.dataset import Dataset
from zorbench.data.episodes import Episode, batch_order, draw_episode, draw_tuning_episode, tuning_fifth

__all__ = [
    "Dataset",
    "DatasetInfo",
    "Episode",
    "batch_order",
    "cache_root",
    "catalog",
    "draw_episode",
    "draw_tuning_episode",
    "load",
    "tuning_fifth",
]
