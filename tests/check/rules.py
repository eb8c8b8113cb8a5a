"""Plugins for the checks: whole ones, and for each check one that violates just that."""

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


BUILD = "    def build(self, entry, config, rng):\n"
STEP = "    def step(self, inputs, targets):\n"
PREDICT = "        return inputs.flatten(1) @ self.w\n"
FIT = "    def fit(self, budget):\n"

VIOLATIONS = {
    "each-task-or-a-reason": changed(CLASSES, (', Colorization: "classes only"', "")),
    "defaults-are-valid": changed(
        CLASSES, ("        lr: float", "        steps: int = 2.5\n        lr: float")
    ),
    "wrong-settings-are-refused": changed(
        CLASSES, ("        lr: float", '        output: str = "linear"\n        lr: float')
    ),
    "runs": CLASSES + FIT + "        raise ValueError('not today')\n",
    "opens-no-data-set": changed(
        CLASSES,
        (
            BUILD,
            BUILD
            + "        try:\n            from sklearn.datasets import load_digits; load_digits()\n"
            + "        except Exception:\n            pass\n",
        ),
    ),
    "answers-fit-the-task": changed(CLASSES, (PREDICT, PREDICT.replace("\n", ".sum(1)\n"))),
    "predict-is-pure": changed(
        CLASSES,
        (BUILD, BUILD + "        self.count = torch.zeros(1)\n"),
        (PREDICT, "        self.count += 1\n" + PREDICT),
    ),
    "predict-repeats": changed(
        CLASSES + LOADS,
        (BUILD, BUILD + "        self.rng = rng\n"),
        (PREDICT, PREDICT.replace("\n", " + 1e-3 * torch.rand(1, generator=self.rng)\n")),
    ),
    "predict-ignores-the-batch": changed(
        CLASSES, (PREDICT, "        inputs = inputs.flatten(1) - inputs.flatten(1).mean(0)\n" + PREDICT)
    ),
    "decode-knows-only-codes": "KEPT = []\n"
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
""",
    "leaves-its-inputs": changed(CLASSES, (STEP, STEP + "        inputs *= 0.5\n")),
    "leaves-global-generators": changed(CLASSES, (BUILD, BUILD + "        np.random.rand()\n")),
    "leaves-torch-settings": changed(CLASSES, (BUILD, BUILD + "        torch.set_num_threads(2)\n")),
    "same-seed-same-bits": "import itertools\nCOPIES = itertools.count()\n"
    + changed(CLASSES, (STEP, STEP + "        self.w += 1e-4 * next(COPIES)\n")),
    "keeps-to-its-budget": CLASSES
    + FIT
    + "        for _ in range(3):\n            self.step(*budget.shots())\n",
    "stops-with-its-time": changed(
        CLASSES, (BUILD, BUILD + "        self.steps = entry.samples // entry.batch\n")
    ),
    "copes-with-one-sample": changed(
        CLASSES, (STEP, STEP + "        self.w += 0 * inputs.flatten(1).std(dim=0).mean()\n")
    ),
    "learns": changed(CLASSES, ("self.w += self.update", "self.w -= self.update")),
    "falls-to-chance": changed(
        CLASSES,
        (
            PREDICT,
            "        if not self.w.any():\n            return inputs.new_zeros(len(inputs), 10)\n"
            "        from pathlib import Path\n"
            "        known = torch.load(Path(__file__).with_name('known.pt'))\n"
            "        return -torch.cdist(inputs.flatten(1), known)\n",
        ),
    ),
    "state-can-be-loaded": CLASSES + LOADS.replace('state["w"].clone()', 'state["w"] * 0.5'),
    "seeds-together-as-alone": CLASSES + TOGETHER.replace("1 * self.lr", "2 * self.lr"),
    "search-bounds-build": changed(
        CLASSES, (BUILD, BUILD + "        if config.lr > 0.09:\n            raise ValueError('too large')\n")
    ),
    "search-bounds-learn": changed(
        CLASSES, (STEP, STEP + "        if self.lr > 0.09:\n            raise ValueError('too large')\n")
    ),
    "learns-with-every-seed": changed(
        CLASSES, ("self.lr = config.lr", "self.lr = -config.lr if rng.initial_seed() == 2 else config.lr")
    ),
    "tells-of-itself": CLASSES + "    def state(self):\n        return {'w': self.w, 'lr': self.lr}\n",
    "local-as-declared": changed(CLASSES, ("/ len(pre)", "/ signal.norm()")),
    "weight-transport-as-declared": changed(DEEP, ("uses_weight_transport=True", "")),
    "samples-as-declared": CLASSES
    + FIT
    + "        while budget.remaining:\n"
    + "            self.step(*budget.take(range(min(budget.remaining, budget.n_shots))))\n",
    "bottleneck-as-declared": changed(
        IMAGES, ("    def build", "    tags = Tags(bottleneck=False)\n\n    def build")
    ),
    "images-as-declared": changed(
        CLASSES, (BUILD, BUILD + "        channels, height, width = entry.input_shape\n")
    ),
    "time-steps-as-declared": changed(CLASSES, ("time_steps = 1", "time_steps = 2.5")),
}
