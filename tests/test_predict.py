from types import SimpleNamespace

import pytest
import torch

from zorbench.baseline import Baseline, EntrySpec, Tags
from zorbench.predict import CHUNK, ContractError, Diverged, check_bottleneck, predict
from zorbench.tasks import Classification, Colorization, Reconstruction


def make_spec(task, shape=(1, 2, 2), code=3):
    return EntrySpec(
        task=task,
        input_shape=task.input_shape(shape),
        output_shape=task.output_shape(shape, 3),
        n_classes=3,
        n_shots=1,
        samples=1,
        batch=1,
        hidden=1,
        code=code,
    )


class Scores(Baseline):
    """Scores that identify the item: its first pixel, twice it, and zero."""

    def predict(self, inputs):
        first = inputs.flatten(1)[:, 0]
        return torch.stack([first, 2 * first, 0 * first], dim=1)


class Coder(Baseline):
    """A code that keeps three of the four pixels."""

    def encode(self, inputs):
        return inputs.flatten(1)[:, :3]

    def decode(self, codes):
        return torch.cat([codes, codes[:, :1]], dim=1).view(-1, 1, 2, 2)


def images(n):
    return torch.arange(4.0 * n).view(n, 1, 2, 2)


def answering(method, answer, base=Coder):
    """A rule whose `method` gives `answer(argument)`."""
    return type("Rule", (base,), {method: lambda self, argument: answer(argument)})()


def test_predictions_come_in_the_order_of_the_inputs_however_many():
    inputs = images(2 * CHUNK + 3)
    expected = Scores().predict(inputs)
    assert torch.equal(predict(Scores(), make_spec(Classification), inputs), expected)


def test_reconstructions_come_in_the_order_of_the_inputs_though_decoded_in_another():
    order = []

    class Watching(Coder):
        def decode(self, codes):
            order.extend(codes[:, 0].tolist())
            return super().decode(codes)

    inputs = images(2 * CHUNK + 3)
    prediction = predict(Watching(), make_spec(Reconstruction), inputs)
    assert torch.equal(prediction, Coder().decode(Coder().encode(inputs)))
    encoded = inputs.flatten(1)[:, 0].tolist()
    assert sorted(order) == encoded
    same_place = sum(a == b for a, b in zip(order, encoded, strict=True))
    assert same_place < len(order) / 10


def test_inputs_kept_aside_come_back_for_the_wrong_images():
    kept = []  # not an attribute of the rule, where it would be found

    class Stash(Coder):
        def encode(self, inputs):
            kept.extend(inputs)
            return inputs.new_zeros(len(inputs), 1)

        def decode(self, codes):
            answer, kept[:] = kept[: len(codes)], kept[len(codes) :]
            return torch.stack(answer)

    inputs = torch.rand(200, 1, 2, 2)
    error = float((predict(Stash(), make_spec(Reconstruction), inputs) - inputs).square().mean())
    assert error > 0.1  # two unrelated uniform numbers: 1/6


def test_no_more_than_a_chunk_is_asked_for_at_once():
    sizes = []

    class Watching(Scores):
        def predict(self, inputs):
            sizes.append(len(inputs))
            return super().predict(inputs)

    predict(Watching(), make_spec(Classification), images(CHUNK + 1))
    assert sizes == [CHUNK, 1]


def test_writing_into_the_argument_changes_no_input():
    def destroy(inputs):
        return inputs.fill_(9).flatten(1)[:, :3]

    inputs = images(5)
    for task, method in ((Classification, "predict"), (Reconstruction, "encode")):
        predict(answering(method, destroy), make_spec(task), inputs)
        assert torch.equal(inputs, images(5))


def test_a_rule_may_answer_from_one_buffer_every_time():
    buffer = torch.empty(CHUNK, 3)
    rule = answering("predict", lambda inputs: buffer.copy_(Scores().predict(inputs)))
    inputs = images(2 * CHUNK)
    assert torch.equal(predict(rule, make_spec(Classification), inputs), Scores().predict(inputs))


def test_no_gradients_are_recorded():
    weight = torch.ones(4, 3, requires_grad=True)
    answers = []

    def answer(inputs):
        answers.append(inputs.flatten(1) @ weight)
        return answers[-1]

    prediction = predict(answering("predict", answer), make_spec(Classification), images(2))
    assert not answers[0].requires_grad
    assert not prediction.requires_grad
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x.flatten(1)[:, :2], "predict returned shape [5, 2]; expected [5, 3]"),
        (lambda x: x.flatten(1)[:4, :3], "predict returned shape [4, 3]; expected [5, 3]"),
        (lambda x: x.flatten(1)[None, :, :3], "predict returned shape [1, 5, 3]; expected [5, 3]"),
        (lambda x: x.sum(), "predict returned shape []; expected [5, 3]"),
        (
            lambda x: x.flatten(1)[:, :3].long(),
            "predict returned a tensor of torch.int64; expected a floating-point tensor",
        ),
        (lambda x: x.flatten(1)[:, :3].numpy(), "predict returned ndarray; expected a floating-point tensor"),
        (lambda x: None, "predict returned NoneType; expected a floating-point tensor"),
    ],
)
def test_a_wrong_answer_is_told_with_what_was_expected(answer, message):
    with pytest.raises(ContractError) as caught:
        predict(answering("predict", answer), make_spec(Classification), images(5))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x.flatten(1), "encode returned [5, 4] for 5 images; expected [5, k] with 1 <= k <= 3"),
        (
            lambda x: x.flatten(1)[:, :0],
            "encode returned [5, 0] for 5 images; expected [5, k] with 1 <= k <= 3",
        ),
        (lambda x: x, "encode returned [5, 1, 2, 2] for 5 images; expected [5, k] with 1 <= k <= 3"),
        (lambda x: x.flatten(1)[:, 0], "encode returned [5] for 5 images; expected [5, k] with 1 <= k <= 3"),
        (lambda x: x.flatten(1)[:2, :3], "encode returned shape [2, 3]; expected [5, k]"),
        (lambda x: x.flatten(1)[:, :3].double(), "encode returned torch.float64; codes are float32"),
        (lambda x: x.flatten(1)[:, :3].half(), "encode returned torch.float16; codes are float32"),
    ],
)
def test_a_wrong_code_is_told_with_what_was_expected(answer, message):
    with pytest.raises(ContractError) as caught:
        predict(answering("encode", answer), make_spec(Reconstruction), images(5))
    assert str(caught.value) == message


def test_a_wrong_image_is_told_with_what_was_expected():
    with pytest.raises(ContractError) as caught:
        predict(answering("decode", lambda codes: codes), make_spec(Reconstruction), images(5))
    assert str(caught.value) == "decode returned shape [5, 3]; expected [5, 1, 2, 2]"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("task", "method"), [(Classification, "predict"), (Reconstruction, "encode"), (Reconstruction, "decode")]
)
def test_an_answer_that_is_no_number_is_divergence(task, method, value):
    def broken(argument):
        answer = getattr(Coder(), method)(argument) if method != "predict" else Scores().predict(argument)
        answer = answer.clone()
        answer.view(-1)[-1] = value
        return answer

    with pytest.raises(Diverged, match=f"{method} returned NaN or infinity"):
        predict(answering(method, broken), make_spec(task), images(3))


# The bottleneck


class Identity(Baseline):
    def predict(self, inputs):
        return inputs


class Frank(Identity):
    tags = Tags(bottleneck=False)


def test_reconstruction_without_a_bottleneck_is_refused_unless_tagged():
    with pytest.raises(ContractError, match=r"Identity needs encode and decode, or Tags\(bottleneck=False\)"):
        check_bottleneck(Identity(), make_spec(Reconstruction))
    check_bottleneck(Frank(), make_spec(Reconstruction))
    check_bottleneck(Identity(), make_spec(Colorization, (3, 2, 2)))
    check_bottleneck(Coder(), make_spec(Reconstruction))


@pytest.mark.parametrize("missing", ["encode", "decode"])
def test_one_half_of_a_bottleneck_is_not_enough(missing):
    half = type("Half", (Coder,), {missing: getattr(Baseline, missing)})
    with pytest.raises(ContractError, match="needs encode and decode"):
        check_bottleneck(half(), make_spec(Reconstruction))


def test_what_is_tagged_is_scored_by_its_predictions():
    inputs = images(4)
    assert torch.equal(predict(Frank(), make_spec(Reconstruction), inputs), inputs)


def test_a_rule_with_a_bottleneck_is_never_asked_to_predict_images():
    class Both(Coder):
        def predict(self, inputs):
            return inputs

    inputs = images(4)
    prediction = predict(Both(), make_spec(Reconstruction), inputs)
    assert torch.equal(prediction, Coder().decode(Coder().encode(inputs)))


def test_a_tag_changed_on_the_instance_opens_no_way_around_the_bottleneck():
    rule = type("Both", (Coder,), {"predict": lambda self, inputs: inputs})()
    rule.tags = Tags(bottleneck=False)
    inputs = images(4)
    assert not torch.equal(predict(rule, make_spec(Reconstruction), inputs), inputs)
    without = Identity()
    without.tags = SimpleNamespace(bottleneck=False)
    with pytest.raises(ContractError):
        check_bottleneck(without, make_spec(Reconstruction))
