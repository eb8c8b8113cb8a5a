"""The published networks as they are described: sizes, shapes, stages and schedules."""

import pytest

from zorbench.spiking.networks import NETWORKS, Branches, Decision, Joint, Layer, Network, network

WEIGHTS = {
    "mozafari2018": 1_322_000,
    "deep2024": 1_632_500,
    "deepr2024": 1_632_500,
    "deepr2024_2": 1_632_500,
    "inception2024": 2_147_250,
    "majority2024": 4_222_000,
}
DEEP = [(6, 28, 28), (30, 14, 14), (150, 7, 7), (250, 2, 2)]
SHAPES = {
    "mozafari2018": [(6, 28, 28), (30, 14, 14), (250, 4, 4)],
    "deep2024": DEEP,
    "deepr2024": DEEP,
    "deepr2024_2": DEEP,
    "inception2024": [(6, 28, 28), (30, 14, 14), (75, 7, 7), (300, 2, 2)],
    "majority2024": [(6, 28, 28), (30, 14, 14), (250, 4, 4)],
}
BRANCHES = ("layer1", "layer2", "layer3a", "layer3b", "layer3c", "decision")


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_and_shapes_are_those_of_the_sources(name):
    sizes = NETWORKS[name].sizes(6, 10)
    assert sum(maps * below * kh * kw for maps, below, kh, kw in sizes.values()) == WEIGHTS[name]
    assert NETWORKS[name].shapes(6, 28, 28) == SHAPES[name]
    assert all(size[0] == 200 for stage, size in sizes.items() if stage.startswith("decision"))


def test_decision_maps_grow_with_the_classes():
    sizes = NETWORKS["majority2024"].sizes(6, 3)
    assert [sizes[f"decision_{letter}"] for letter in "abc"] == [(60, 250, k, k) for k in (3, 5, 7)]


def test_stages_in_the_order_of_training():
    assert NETWORKS["mozafari2018"].stages == ("layer1", "layer2", "decision")
    assert NETWORKS["deepr2024"].stages == ("layer1", "layer2", "layer3", "decision")
    assert NETWORKS["inception2024"].stages == BRANCHES
    assert NETWORKS["majority2024"].stages == ("layer1", "layer2", "decision")
    assert [NETWORKS["inception2024"].level(stage) for stage in BRANCHES] == [0, 1, 2, 2, 2, 3]
    assert NETWORKS["deep2024"].level("decision") == 3
    assert NETWORKS["deepr2024"].level("decision") == 2


def test_what_tells_deepr2024_from_deep2024():
    ours, theirs = (NETWORKS[name].layers for name in ("deepr2024", "deep2024"))
    assert ours[:2] == theirs[:2]
    assert (ours[2].radius, theirs[2].radius) == (0, 1)
    assert (ours[2].rule.stabilised, theirs[2].rule.stabilised) == (False, True)


@pytest.mark.parametrize(
    ("schedule", "epochs"),
    [
        ("together", ["bbbb", "bbbb", "bbbb"]),
        ("source", ["ldld", "dddd", "dddd"]),
        ("alternate", ["ldld", "dldl", "ldld"]),
        ("greedy", ["llll", "dddd", "dddd"]),
    ],
)
def test_whose_turn_it_is(schedule, epochs):
    letters = {(True, True): "b", (True, False): "l", (False, True): "d"}
    joint = Joint(schedule)
    found = [
        "".join(letters[joint.turns(epoch, 4 * epoch + batch)] for batch in range(4)) for epoch in range(3)
    ]
    assert found == epochs


def test_greedy_for_more_epochs():
    assert [Joint("greedy", epochs=2).turns(epoch, 0)[0] for epoch in range(4)] == [True, True, False, False]


def test_other_schedules_and_judges():
    assert network("deepr2024_2").joint.schedule == "source"
    assert network("deepr2024_2", schedule="greedy").joint.schedule == "greedy"
    assert network("majority2024", judge="ensemble").decision.judge == "ensemble"
    assert network("majority2024").decision.judge == "branch"
    assert NETWORKS["deepr2024_2"].joint.schedule == "source"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: network("mozafari"), "mozafari2018, deep2024, deepr2024, deepr2024_2, inception2024, maj"),
        (lambda: network("deep2024", schedule="source"), "no schedule"),
        (lambda: network("deep2024", judge="branch"), "no judge"),
        (lambda: network("deepr2024", schedule="twice"), "together, source, alternate, greedy"),
        (lambda: network("majority2024", judge="none"), "branch, ensemble"),
        (lambda: NETWORKS["deep2024"].layer("layer4"), "layer1, layer2, layer3, decision"),
        (lambda: NETWORKS["deep2024"].level("layer3a"), "layer1, layer2, layer3, decision"),
        (lambda: NETWORKS["deep2024"].shapes(6, 11, 11), "layer 3 has no output"),
        (lambda: NETWORKS["mozafari2018"].shapes(6, 28, 4), "layer 2 has no output"),
    ],
)
def test_what_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


def test_descriptions_that_do_not_fit():
    layers = tuple(Layer(4, kernel, 0, 1, 1, 0) for kernel in (1, 3))
    with pytest.raises(ValueError, match="differ in size"):
        Network("odd", (Branches(layers, (0, 0), 1),)).shapes(2, 8, 8)
    assert Network("even", (Branches(layers, (0, 1), 1),)).shapes(2, 8, 8)[-1] == (8, 8, 8)
    with pytest.raises(ValueError, match="too small for the decision"):
        Network("even", (Layer(4, 1, 0, 1, 1, 0),), Decision(kernels=(7,))).shapes(2, 2, 8)
    with pytest.raises(ValueError, match="only a single layer"):
        Network("odd", (Branches(layers, (0, 1), 1),), joint=Joint("together"))
