"""Pictures of what a network has learned: features of each layer, and when its maps fire on a few images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from zorbench.spiking.firing import fire_times
from zorbench.spiking.learner import OneSpikeNet
from zorbench.spiking.networks import Branches
from zorbench.training.plots import figure
from zorbench.training.progress import Progress

if TYPE_CHECKING:
    from zorbench.training.trainer import Training

PAGE = 10  # pictures a side of a page
IMAGES = 3  # test images whose maps are drawn


def draw_maps(training: "Training", folder: Path, say: Progress) -> None:
    """Pages `LAYER-features-PAGE.png` and `image-K-LAYER-PAGE.png`, by the weights of now."""
    folder.mkdir(parents=True, exist_ok=True)
    net, coding, test = training.net, training.coding, training.parts.test
    written = 0
    for layer, pictures in features_of(net, coding.kernels()).items():
        title = f"{layer}: what its maps prefer"
        written += _pages(pictures, folder / f"{layer}-features", title, "gray", None)
    chosen = test.indices[:IMAGES]
    for k, image in enumerate(test.read(chosen)):
        label = training.dataset.class_names[int(test.labels[k])]
        for layer, times in fired_on(net, coding.encode(image[None])).items():
            title = (
                f"test image {k}, class {label}: when the maps of {layer} fire, from 0 to {net.steps} (never)"
            )
            written += _pages(times[0], folder / f"image-{k}-{layer}", title, "magma_r", (0, net.steps))
    say.line(f"{folder}: {written} pages")


def features_of(
    net: OneSpikeNet, kernels: Float[Tensor, "inputs 1 size size"]
) -> dict[str, Float[Tensor, "maps rows columns"]]:
    """Of each layer and the decision, the pixels that its maps add up, through all layers below.

        f[m] = Σ w[m, c, y, x] · f below[c], shifted by (y, x) times the pools below

    Of the decision's weights it is what differs from the mean of its maps. Thresholds and the order of spikes
    are left out, as in the field's usual pictures of such features.
    """
    below, stride, found = kernels, 1, {}
    names = iter(net.network.placed())
    for level in net.network.layers:
        layers = level.layers if isinstance(level, Branches) else (level,)
        reached = []
        for _ in layers:
            name, _, _ = next(names)
            found[name] = _seen(net.weights[name], below, stride)
            reached.append(found[name])
        below, stride = _stacked(reached)[:, None], stride * level.pool
    for name in net.network.deciders:
        weight = net.weights[name]
        found[name] = _seen(weight - weight.mean(dim=0), below, stride)
    return found


def _seen(
    weight: Float[Tensor, "maps below kh kw"], below: Float[Tensor, "below 1 high wide"], stride: int
) -> Float[Tensor, "maps rows columns"]:
    return F.conv_transpose2d(weight.contiguous(), below, stride=stride)[:, 0]


def _stacked(pictures: Sequence[Float[Tensor, "maps high wide"]]) -> Float[Tensor, "all high wide"]:
    """One above the other, the smaller ones in a frame of zeros."""
    size = max(picture.shape[-1] for picture in pictures)
    margins = [(size - picture.shape[-1]) // 2 for picture in pictures]
    return torch.cat(
        [F.pad(picture, [margin] * 4) for picture, margin in zip(pictures, margins, strict=True)]
    )


def fired_on(
    net: OneSpikeNet, times: UInt8[Tensor, "n inputs high wide"]
) -> dict[str, UInt8[Tensor, "n maps rows columns"]]:
    """When the neurons of each layer fire, before pooling and without inhibition."""
    return {
        name: fire_times(
            net.features(times, name),
            net.weights[name],
            layer.threshold,
            steps=net.steps,
            padding=layer.padding,
        )
        for name, _, layer in net.network.placed()
    }


def _pages(pictures: Tensor, path: Path, title: str, colours: str, limits: tuple[float, float] | None) -> int:
    """Up to PAGE² pictures a page, each from its least to its largest value unless within `limits`.

    Returns how many pages were written.
    """
    shown = pictures.float()
    low, high = limits or (shown.amin(dim=(1, 2), keepdim=True), shown.amax(dim=(1, 2), keepdim=True))
    shown = (shown - low) / torch.as_tensor(high - low).clamp_min(1e-12)
    pages = shown.split(PAGE**2)
    for number, page in enumerate(pages, 1):
        sheet = mosaic(page)
        made = figure(8, 8 * sheet.shape[0] / sheet.shape[1] + 0.4)
        axes = made.subplots()
        axes.imshow(
            torch.nan_to_num(sheet).numpy(), cmap=colours, vmin=0, vmax=1, alpha=(~sheet.isnan()).float()
        )
        axes.set_title(title, fontsize=9)
        axes.axis("off")
        made.savefig(f"{path}-{number}.png", dpi=110)
    return len(pages)


def mosaic(pictures: Float[Tensor, "n high wide"]) -> Float[Tensor, "rows columns"]:
    """Pictures side by side, PAGE a row, with gaps of NaN."""
    n, high, wide = pictures.shape
    gap, rows = 1 + wide // 16, -(-n // PAGE)
    sheet = torch.full((rows * PAGE, high + gap, wide + gap), torch.nan)
    sheet[:n, :high, :wide] = pictures
    sheet = sheet.unflatten(0, (rows, PAGE)).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
    return sheet[:-gap, :-gap]
