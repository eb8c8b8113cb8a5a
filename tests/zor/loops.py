"""Both rules written again, number by number in Python floats, as the equations read.

Slow on purpose and sharing nothing with the package: no matrix product, no broadcasting, no optimiser.
"""

import math

FUNCTIONS = {
    None: lambda v: v,
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
    "tanh": math.tanh,
    "relu": lambda v: max(v, 0.0),
}


def product(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(len(b))) for j in range(len(b[0]))] for i in range(len(a))]


def transpose(a):
    return [list(row) for row in zip(*a, strict=True)]


def grid(rows, columns, value=0.0):
    return [[value] * columns for _ in range(rows)]


def column_norms(a):
    return [math.sqrt(sum(v * v for v in column)) for column in zip(*a, strict=True)]


class LoopZor:
    """The current rule. `seen` counts events, so that a test can tell that its inputs reached them."""

    def __init__(self, layers, weights, lr, weight_decay):
        self.layers, self.w, self.lr, self.decay = layers, weights, lr, weight_decay
        self.charge = [None] * len(layers)
        self.m = [grid(len(w), len(w[0])) for w in weights]
        self.v = [grid(len(w), len(w[0])) for w in weights]
        self.step = 0
        self.seen = {"silent": 0, "spiked on kept charge": 0, "charge dropped": 0, "clamped": 0}

    def gate(self, k, x):
        stateless, rows = self.layers[k].stateless, len(x)
        kept = self.charge[k]
        if stateless or kept is None or len(kept) != rows:
            kept = grid(rows, len(x[0]))
        a, s, left = grid(rows, len(x[0])), grid(rows, len(x[0])), grid(rows, len(x[0]))
        for b in range(rows):
            for i in range(len(x[0])):
                c = kept[b][i]
                if c < -5:
                    c = 0.0
                    self.seen["charge dropped"] += 1
                had = c != 0
                c += x[b][i]
                if c > self.layers[k].threshold:
                    a[b][i], s[b][i] = c, 1.0
                    self.seen["spiked on kept charge"] += had
                else:
                    left[b][i] = c
                    self.seen["silent"] += 1
        self.charge[k] = left
        return a, s

    def forward(self, x, train):
        self.p, self.s = [], []
        for k, layer in enumerate(self.layers):
            f = FUNCTIONS[layer.activation]
            if k == len(self.layers) - 1 and not train:
                return [[f(v) for v in row] for row in x]
            a, s = self.gate(k, x)
            p = [[f(v) for v in row] for row in a]
            self.p.append(p)
            self.s.append(s)
            if k == len(self.layers) - 1:
                return p
            x = product(p, self.w[k])
        raise AssertionError

    def train_batch(self, x, t):
        y = self.forward(x, True)
        e = [[t[b][j] - y[b][j] for j in range(len(t[0]))] for b in range(len(t))]
        self.step += 1
        delta = e
        for k in reversed(range(len(self.layers))):
            norms = column_norms(delta)
            delta = [
                [min(1, max(-1, v / n)) if n else 0.0 for v, n in zip(row, norms, strict=True)]
                for row in delta
            ]
            if k < len(self.w):
                below = product(delta, transpose(self.w[k]))
                self.update(k, delta)
                delta = below
        return e

    def update(self, k, delta):
        p, s = self.p[k], self.s[k + 1]
        p_norm, s_norm = column_norms(p), column_norms(s)
        for i in range(len(self.w[k])):
            for j in range(len(self.w[k][0])):
                g = 0.0
                for b in range(len(delta)):
                    g -= p[b][i] / (p_norm[i] + 1e-8) * delta[b][j] * s[b][j] / (s_norm[j] + 1e-8)
                self.w[k][i][j] = self.adamw(k, i, j, g)

    def adamw(self, k, i, j, g):
        w = self.w[k][i][j] * (1 - self.lr * self.decay)
        self.m[k][i][j] = 0.9 * self.m[k][i][j] + 0.1 * g
        self.v[k][i][j] = 0.999 * self.v[k][i][j] + 0.001 * g * g
        m = self.m[k][i][j] / (1 - 0.9**self.step)
        v = self.v[k][i][j] / (1 - 0.999**self.step)
        w -= self.lr * m / (math.sqrt(v) + 1e-8)
        bound = self.layers[k].max_weight
        self.seen["clamped"] += abs(w) > bound
        return min(bound, max(-bound, w))


class LoopNovelty:
    """The novelty rule."""

    def __init__(self, layers, weights):
        self.layers, self.w = layers, weights
        self.theta = [[0.0] * layer.size for layer in layers]
        self.r = [[0.0] * layer.size for layer in layers]
        self.c = [grid(len(w), len(w[0])) for w in weights]
        self.last = [None] * len(layers)
        self.seen = {
            "silent": 0,
            "inhibited": 0,
            "shortened": 0,
            "not shortened": 0,
            "clamped": 0,
            "saturated": 0,
        }

    def forward(self, x, train):
        self.p, rows = [], len(x)
        for k, layer in enumerate(self.layers):
            f, n = FUNCTIONS[layer.activation], layer.size
            s = grid(rows, n)
            last = self.last[k] if self.last[k] is not None and len(self.last[k]) == rows else grid(rows, n)
            for b in range(rows):
                for i in range(n):
                    bar = self.theta[k][i] - layer.threshold_inhibition * last[b][i]
                    s[b][i] = 1.0 if x[b][i] > bar else 0.0
                    self.seen["silent"] += s[b][i] == 0
                    self.seen["inhibited"] += (x[b][i] > bar) != (x[b][i] > self.theta[k][i])
            if train:
                self.last[k] = s
                for i in range(n):
                    mean = sum(row[i] for row in s) / rows
                    self.r[k][i] = layer.memory * self.r[k][i] + (1 - layer.memory) * mean
            self.p.append([[f(x[b][i] * s[b][i]) for i in range(n)] for b in range(rows)])
            if k == len(self.layers) - 1:
                return [[f(v) for v in row] for row in x]
            x = product(self.p[k], self.w[k])
        raise AssertionError

    def train_batch(self, x, t):
        y, rows = self.forward(x, True), len(x)
        e = [[t[b][j] - y[b][j] for j in range(len(t[0]))] for b in range(rows)]
        v = e
        for k in reversed(range(len(self.layers))):
            layer = self.layers[k]
            for i in range(layer.size):
                moved = self.theta[k][i] - layer.threshold_step * (layer.target_rate - self.r[k][i])
                self.theta[k][i] = min(2.0, max(0.0, moved))
            if k < len(self.w):
                below = product(v, transpose(self.w[k]))
                self.update(k, layer, v, rows)
                v = below
        return e

    def update(self, k, layer, v, rows):
        p, above, w = self.p[k], self.p[k + 1], self.w[k]
        g = grid(len(w), len(w[0]))
        for i in range(len(w)):
            for j in range(len(w[0])):
                together = sum(p[b][i] * above[b][j] for b in range(rows)) / rows
                self.c[k][i][j] = layer.memory * self.c[k][i][j] + (1 - layer.memory) * abs(together)
                eligible = together - layer.novelty * self.c[k][i][j]
                self.seen["saturated"] += eligible > 1
                eligible = min(1.0, max(0.0, eligible))
                g[i][j] = sum(p[b][i] * v[b][j] for b in range(rows)) / rows * eligible
        norm = math.sqrt(sum(value * value for row in g for value in row))
        factor = layer.learning_range / norm if norm > layer.learning_range else 1.0
        self.seen["shortened" if factor < 1 else "not shortened"] += 1
        for i in range(len(w)):
            for j in range(len(w[0])):
                moved = w[i][j] + factor * g[i][j]
                self.seen["clamped"] += abs(moved) > layer.max_weight
                w[i][j] = min(layer.max_weight, max(-layer.max_weight, moved))
