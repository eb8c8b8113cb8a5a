"""The current rule on images as the equations read it: every convolution laid out as a matrix of windows.

Shares nothing with the package's convolutions: which pixel lies under which weight is found by loops over
indices, all else is products of matrices and norms of their columns, each where the equations have it.
"""

import torch

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer

FUNCTIONS = {None: lambda v: v, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


def over_norm(columns):
    """Every column divided by its norm + 1e-8."""
    return columns / (columns.square().sum(0).sqrt() + 1e-8)


def unit(columns):
    """δ / ‖δ‖, clipped; a column of zeros stays zero."""
    norms = columns.square().sum(0).sqrt()
    return torch.where(norms > 0, columns / norms, 0.0).clamp(-1, 1)


class Windows:
    """Which pixel of an image [channels, height, width] lies where under a window at every position."""

    def __init__(self, image, kernel, stride, padding, positions):
        channels, height, width = image
        self.image, self.size = image, channels * height * width
        index = []
        for down in range(positions[0]):
            for right in range(positions[1]):
                for channel in range(channels):
                    for y in range(down * stride - padding, down * stride - padding + kernel):
                        for x in range(right * stride - padding, right * stride - padding + kernel):
                            inside = 0 <= y < height and 0 <= x < width
                            # What lies outside reads, and writes to, one more pixel of zero.
                            index.append((channel * height + y) * width + x if inside else self.size)
        self.positions = positions[0] * positions[1]
        self.index = torch.tensor(index)

    def unfold(self, images):
        """Images → a row for every sample and position, a column for every weight of the window."""
        padded = torch.cat([images.flatten(1), images.new_zeros(len(images), 1)], 1)
        return padded[:, self.index].reshape(len(images) * self.positions, -1)

    def scatter(self, rows):
        """The same back: every pixel is the sum of what reaches it."""
        values = rows.reshape(-1, self.index.numel())
        images = rows.new_zeros(len(values), self.size + 1).index_add_(1, self.index, values)
        return images[:, :-1].reshape(-1, *self.image)


def as_rows(images):
    """A row for every sample and position, a column for every channel."""
    return images.movedim(1, -1).reshape(-1, images.shape[1])


def as_images(rows, shape):
    return rows.reshape(-1, *shape[1:], shape[0]).movedim(-1, 1)


class UnfoldedDense:
    def __init__(self, below, layer):
        self.below = below
        self.above = layer.size if isinstance(layer.size, tuple) else (layer.size,)

    def columns(self, units):
        """Units of the layer above, one column for each that is normalised by itself."""
        return units.flatten(1)

    def current(self, p, weight):
        return (p.flatten(1) @ weight).reshape(-1, *self.above)

    def below_signal(self, delta, weight):
        return (delta @ weight.T).reshape(-1, *self.below)

    def direction(self, p, gated):
        return over_norm(p.flatten(1)).T @ gated


class UnfoldedConvolution:
    def __init__(self, below, layer):
        padding = (layer.kernel - 1) // 2 if layer.padding is None else layer.padding
        starts = [range(-padding, n + padding - layer.kernel + 1, layer.stride) for n in below[1:]]
        self.above = (layer.out_channels, len(starts[0]), len(starts[1]))
        self.windows = Windows(below, layer.kernel, layer.stride, padding, self.above[1:])
        self.weight_shape = (layer.out_channels, below[0], layer.kernel, layer.kernel)

    def columns(self, units):
        return as_rows(units)

    def current(self, p, weight):
        return as_images(self.windows.unfold(p) @ weight.flatten(1).T, self.above)

    def below_signal(self, delta, weight):
        return self.windows.scatter(delta @ weight.flatten(1))

    def direction(self, p, gated):
        return (over_norm(self.windows.unfold(p)).T @ gated).T.reshape(self.weight_shape)


class UnfoldedTransposed:
    def __init__(self, below, layer):
        padding = (layer.kernel - 1) // 2 if layer.padding is None else layer.padding
        size = layer.output_size or tuple(n * layer.stride for n in below[1:])
        self.below, self.above = below, (layer.out_channels, *size)
        self.windows = Windows(self.above, layer.kernel, layer.stride, padding, below[1:])
        self.weight_shape = (below[0], layer.out_channels, layer.kernel, layer.kernel)

    def columns(self, units):
        return as_rows(units)

    def current(self, p, weight):
        return self.windows.scatter(as_rows(p) @ weight.flatten(1))

    def below_signal(self, delta, weight):
        delta = as_images(delta, self.above)
        return as_images(self.windows.unfold(delta) @ weight.flatten(1).T, self.below)

    def direction(self, p, gated):
        direction = over_norm(as_rows(p)).T @ self.windows.unfold(as_images(gated, self.above))
        return direction.reshape(self.weight_shape)


UNFOLDED = {Layer: UnfoldedDense, ConvLayer: UnfoldedConvolution, ConvTransposeLayer: UnfoldedTransposed}


class UnfoldedZor:
    """A whole network, step by step. `seen` counts events, so that a test can tell that it reached them."""

    def __init__(self, layers, weights, lr, weight_decay):
        self.layers = layers
        shape = layers[0].size if isinstance(layers[0].size, tuple) else (layers[0].size,)
        self.joins = []
        for layer in layers[1:]:
            self.joins.append(UNFOLDED[type(layer)](shape, layer))
            shape = self.joins[-1].above
        self.weights = [torch.nn.Parameter(weight.clone()) for weight in weights]
        self.rule = torch.optim.AdamW(self.weights, lr=lr, weight_decay=weight_decay, maximize=True)
        self.charges = [None] * len(layers)
        self.silent = [0] * len(layers)
        self.seen = {"spiked on kept charge": 0, "charge dropped": 0, "clamped": 0, "started anew": 0}

    def gate(self, k, x):
        layer, kept = self.layers[k], self.charges[k]
        if layer.stateless or kept is None or len(kept) != len(x):
            self.seen["started anew"] += kept is not None
            kept = torch.zeros_like(x)
        self.seen["charge dropped"] += int((kept < -5).sum())
        kept = torch.where(kept < -5, 0.0, kept)
        charge = kept + x
        fired = charge > layer.threshold
        self.silent[k] += int((~fired).sum())
        self.seen["spiked on kept charge"] += int((fired & (kept != 0)).sum())
        self.charges[k] = None if layer.stateless else torch.where(fired, 0.0, charge)
        return torch.where(fired, charge, 0.0), fired.to(x.dtype)

    @torch.no_grad()
    def forward(self, x, train=False):
        self.activities, self.spikes = [], []
        for k, layer in enumerate(self.layers):
            if k == len(self.joins) and not train:
                break
            x, spikes = self.gate(k, x)
            self.spikes.append(spikes)
            if k < len(self.joins):
                self.activities.append(FUNCTIONS[layer.activation](x))
                x = self.joins[k].current(self.activities[k], self.weights[k])
        return FUNCTIONS[self.layers[-1].activation](x)

    @torch.no_grad()
    def train_batch(self, x, t):
        errors = t - self.forward(x, train=True)
        signal = errors
        for k in reversed(range(len(self.joins))):
            join, weight = self.joins[k], self.weights[k]
            delta = unit(join.columns(signal))
            spikes = over_norm(join.columns(self.spikes[k + 1]))
            weight.grad = join.direction(self.activities[k], delta * spikes)
            signal = join.below_signal(delta, weight)
        self.rule.step()
        for weight, layer in zip(self.weights, self.layers, strict=False):
            self.seen["clamped"] += int((weight.abs() > layer.max_weight).sum())
            weight.clamp_(-layer.max_weight, layer.max_weight)
        return errors
