"""For each check a plugin that violates just that, and other ways to do so."""

from .rules import BUILD, BY_HAND, CLASSES, DEEP, FIT, HIDING, IMAGES, LOADS, PREDICT, STEP, TOGETHER, changed

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
    "decode-knows-only-codes": HIDING,
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

# Other ways to violate a check: its name, the plugin, and what it is told.
OTHER_WAYS = [
    (
        "each-task-or-a-reason",
        changed(CLASSES, ('{Reconstruction: "', '{Classification: "no", Reconstruction: "')),
        "classification is both in tasks and in unsupported",
    ),
    (
        "answers-fit-the-task",
        changed(CLASSES, (PREDICT, PREDICT.replace("\n", " / 0\n"))),
        "predict returned NaN or infinity",
    ),
    (
        "answers-fit-the-task",
        changed(
            IMAGES, ("return inputs.flatten(1) @ self.w\n", "return (inputs.flatten(1) @ self.w).double()\n")
        )
        .replace("codes @", "codes.float() @")
        .replace("T @ codes", "T @ codes.float()"),
        "codes are float32",
    ),
    (
        "decode-knows-only-codes",
        HIDING.replace("KEPT.extend(inputs)", "KEPT[:] = list(inputs)")
        .replace(
            "torch.arange(len(KEPT) - len(inputs), len(KEPT), dtype=torch.float32)", "inputs.sum((1, 2, 3))"
        )
        .replace("[KEPT[int(code)] for code in codes]", "KEPT[: len(codes)]"),
        "of the codes otherwise when they come in another order",
    ),
    (
        "local-as-declared",
        changed(CLASSES, ("def update", "def change"), ("self.update", "self.change")),
        "there is no update",
    ),
    (
        "local-as-declared",
        changed(
            CLASSES,
            (
                "return self.lr * pre.T @ signal / len(pre)",
                "return self.lr * pre.T @ signal / len(pre) * (signal.numel() % 10 == 0)",
            ),
        ),
        "update changes no weight",
    ),
    (
        "local-as-declared",
        changed(CLASSES, ("pre.T @", "(pre / pre.norm(dim=1, keepdim=True)).T @")),
        "with the activity of other units below (pre)",
    ),
    (
        "local-as-declared",
        changed(CLASSES, ("/ len(pre)", "/ len(pre) - 1e-3 * w / (1 + w.norm())")),
        "with other weights",
    ),
    (
        "samples-as-declared",
        changed(CLASSES, ("local=True", "local=True, chooses_samples=True")),
        "fit never called budget.take",
    ),
    (
        "opens-no-data-set",
        "from sklearn.datasets import load_digits\n" + CLASSES + "KNOWN = load_digits()\n",
        "when it is loaded: ",
    ),
    (
        "leaves-its-inputs",
        changed(CLASSES, (PREDICT, PREDICT.replace("flatten(1)", "flatten(1).mul_(2)"))),
        "predict wrote into its input",
    ),
    (
        "weight-transport-as-declared",
        changed(
            DEEP,
            ("uses_weight_transport=True", ""),
            ("        loss = torch", BY_HAND + "        loss = torch"),
        ),
        "a signal goes back through v",
    ),
]
