import io

import numpy as np
import torch
from PIL import Image

from zorbench.strips import STRIP, strip


def opened(images):
    return np.asarray(Image.open(io.BytesIO(strip(images))))


def test_the_first_twelve_images_lie_side_by_side():
    images = torch.arange(15.0).view(15, 1, 1, 1).expand(15, 1, 4, 3) / 255
    picture = opened(images)
    assert STRIP == 12
    assert picture.shape == (4, 36)
    assert (picture == np.repeat(np.arange(12), 3)).all()


def test_colours_and_orientation_are_kept():
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0, 0, 1] = 1.0  # red, upper right
    image[0, 2, 1, 0] = 0.5  # half blue, lower left
    assert opened(image).tolist() == [[[0, 0, 0], [255, 0, 0]], [[0, 0, 128], [0, 0, 0]]]


def test_fewer_images_make_a_shorter_strip():
    assert opened(torch.zeros(2, 1, 5, 5)).shape == (5, 10)


def test_values_outside_the_unit_interval_are_clipped():
    assert opened(torch.tensor([-3.0, 2.0]).view(2, 1, 1, 1)).tolist() == [[0, 255]]
