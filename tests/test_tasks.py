import pytest
import torch

from zorbench.tasks import TASKS, Classification, Colorization, Reconstruction, luma


def test_tasks_are_found_by_their_names():
    assert {
        "reconstruction": Reconstruction,
        "colorization": Colorization,
        "classification": Classification,
    } == TASKS


def test_luma_weighs_the_channels_as_bt601_does():
    red, green, blue = torch.eye(3).view(3, 3, 1, 1)
    assert luma(torch.stack([red, green, blue])).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])


def test_luma_of_a_grey_image_is_the_image():
    grey = torch.rand(5, 1, 4, 4)
    torch.testing.assert_close(luma(grey.expand(-1, 3, -1, -1)), grey)


def test_luma_stays_in_the_unit_interval():
    assert float(luma(torch.ones(1, 3, 2, 2)).max()) <= 1.0
    assert float(luma(torch.zeros(1, 3, 2, 2)).min()) == 0.0


def test_colorization_shows_luma_and_asks_for_the_colours():
    images = torch.rand(4, 3, 6, 5)
    labels = torch.zeros(4, dtype=torch.long)
    assert torch.equal(Colorization.inputs(images), luma(images))
    assert torch.equal(Colorization.targets(images, labels, 7), images)
    assert Colorization.input_shape((3, 6, 5)) == (1, 6, 5)
    assert Colorization.output_shape((3, 6, 5), 7) == (3, 6, 5)


def test_reconstruction_shows_the_image_and_asks_for_it():
    images = torch.rand(4, 1, 6, 5)
    labels = torch.zeros(4, dtype=torch.long)
    assert torch.equal(Reconstruction.inputs(images), images)
    assert torch.equal(Reconstruction.targets(images, labels, 7), images)
    assert Reconstruction.input_shape((1, 6, 5)) == Reconstruction.output_shape((1, 6, 5), 7) == (1, 6, 5)


def test_classification_asks_for_one_hot_rows():
    targets = Classification.targets(torch.rand(3, 2), torch.tensor([2, 0, 1]), 3)
    assert targets.dtype == torch.float32
    assert targets.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert Classification.output_shape((2,), 3) == (3,)


@pytest.mark.parametrize("task", [Reconstruction, Colorization])
def test_the_error_of_images_is_their_mean_squared_error(task):
    generator = torch.Generator().manual_seed(1)
    prediction, target = torch.rand(2, 6, 3, 8, 8, generator=generator)
    expected = float((prediction - target).double().square().mean())
    assert task.error(prediction, target) == pytest.approx(expected)
    assert task.metrics(prediction, target)["error"] == pytest.approx(expected)


def test_the_error_of_classes_is_the_share_of_wrong_rows_and_a_tie_is_wrong():
    scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.7, 0.3]])
    targets = torch.tensor([[1.0, 0], [1, 0], [1, 0], [1, 0]])
    metrics = Classification.metrics(scores, targets)
    assert metrics["error"] == pytest.approx(0.5)
    assert metrics["abstained"] == pytest.approx(0.25)
    assert Classification.error(scores, targets) == pytest.approx(0.5)


def test_only_images_are_clipped_and_shown():
    assert Reconstruction.images_out
    assert Colorization.images_out
    assert not Classification.images_out
