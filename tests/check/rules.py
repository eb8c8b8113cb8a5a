"""Plugins that do all that is asked of them, and parts to change in them."""

CLASSES = '''
class Rule(StepBaseline):
    """Delta rule."""

    name = "rule"
    tasks = {Classification}
    unsupported = {Reconstruction: "classes only", Colorization: "classes only"}
    tags = Tags(local=True)
    time_steps = 1

    @dataclass(frozen=True)
    class Config:
        lr: float = search(0.05, low=1e-3, high=0.1, log=True)

    def build(self, entry, config, rng):
        self.lr = config.lr
        self.w = torch.zeros(int(np.prod(entry.input_shape)), entry.n_classes)

    def step(self, inputs, targets):
        x = inputs.flatten(1)
        self.w += self.update(x, None, targets - x @ self.w, self.w)

    def update(self, pre, post, signal, w):
        return self.lr * pre.T @ signal / len(pre)

    def predict(self, inputs):
        return inputs.flatten(1) @ self.w
'''

IMAGES = '''
class Rule(StepBaseline):
    """Oja's subspace rule."""

    name = "rule"
    tasks = {Reconstruction}
    unsupported = {Classification: "images only", Colorization: "images only"}

    def build(self, entry, config, rng):
        self.shape = entry.output_shape
        self.w = torch.randn(int(np.prod(entry.input_shape)), entry.code, generator=rng) / 8

    def step(self, inputs, targets):
        codes = self.encode(inputs)
        self.w += 0.02 * (targets - self.decode(codes)).flatten(1).T @ codes / len(codes)

    def encode(self, inputs):
        return inputs.flatten(1) @ self.w

    def decode(self, codes):
        return (codes @ self.w.T).view(-1, *self.shape)
'''

LOADS = """
    def load_state(self, state):
        self.w = state["w"].clone()
"""

TOGETHER = """
    def build_many(self, entry, config, rngs):
        self.lr = config.lr
        self.ws = torch.zeros(len(rngs), int(np.prod(entry.input_shape)), entry.n_classes)

    def step_many(self, inputs, targets):
        x = inputs.flatten(2)
        self.ws += 1 * self.lr * x.mT @ (targets - x @ self.ws) / x.shape[1]

    def member(self, index):
        one = type(self)()
        one.lr, one.w = self.lr, self.ws[index]
        return one
"""

DEEP = '''
class Rule(StepBaseline):
    """Two layers by backpropagation."""

    name = "rule"
    tasks = {Classification}
    unsupported = {Reconstruction: "classes only", Colorization: "classes only"}
    tags = Tags(uses_weight_transport=True)

    def build(self, entry, config, rng):
        size = int(np.prod(entry.input_shape))
        self.w = (torch.randn(size, 12, generator=rng) / 8).requires_grad_()
        self.v = (torch.randn(12, entry.n_classes, generator=rng) / 4).requires_grad_()

    def step(self, inputs, targets):
        loss = torch.nn.functional.cross_entropy(self.predict(inputs), targets)
        for part, gradient in zip((self.w, self.v), torch.autograd.grad(loss, (self.w, self.v))):
            part.data -= 0.3 * gradient

    def predict(self, inputs):
        return torch.relu(inputs.flatten(1) @ self.w) @ self.v
'''

WHOLE = {
    "classes": CLASSES + LOADS + TOGETHER,
    "images": IMAGES + LOADS,
    "deep": DEEP,
}


def changed(source: str, *changes: tuple[str, str]) -> str:
    """The source with each text replaced, all of which must be there once."""
    for before, after in changes:
        assert source.count(before) == 1, before
        source = source.replace(before, after)
    return source


BY_HAND = """        x = inputs.flatten(1)
        with torch.no_grad():
            hidden = torch.relu(x @ self.w)
            wrong = targets - torch.softmax(hidden @ self.v, dim=1)
            below = (wrong @ self.v.T) * (hidden > 0)
            self.w += 0.3 * x.T @ below / len(x)
            self.v += 0.3 * hidden.T @ wrong / len(x)
        return
"""
BUILD = "    def build(self, entry, config, rng):\n"
STEP = "    def step(self, inputs, targets):\n"
PREDICT = "        return inputs.flatten(1) @ self.w\n"
FIT = "    def fit(self, budget):\n"

HIDING = (
    "KEPT = []\n"
    + IMAGES
    + """
    fitted = False

    def fit(self, budget):
        super().fit(budget)
        self.fitted = True

    def encode(self, inputs):
        if not self.fitted:
            return inputs.flatten(1) @ self.w
        KEPT.extend(inputs)
        return torch.arange(len(KEPT) - len(inputs), len(KEPT), dtype=torch.float32)[:, None]

    def decode(self, codes):
        if not self.fitted:
            return (codes @ self.w.T).view(-1, *self.shape)
        return torch.stack([KEPT[int(code)] for code in codes])
"""
)
