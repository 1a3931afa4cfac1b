"""FaceNet and LandmarkNet: what their numbers mean."""

import numpy as np
import pytest
import torch

from aulens.align import five_points
from aulens.data.face_nets.crops import TEMPLATE
from aulens.models.face_net import STRIDES, FaceNet, LandmarkNet, cells


def trained(model: torch.nn.Module) -> torch.nn.Module:
    """As if it had learned something: no weight is near 0, statistics are of no picture in particular."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(model.out.weight, std=0.2)
    return model.eval()


@pytest.fixture(scope="module")
def net() -> FaceNet:
    return trained(FaceNet())


def test_cells_are_where_their_pixels_are():
    """Pixel i covers [i, i + 1): the first cell of stride 8 covers [0, 8), its middle is 4."""
    middles = cells(torch.zeros(1, 1, 2, 3), 8)
    assert middles.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]


@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32), (160, 64)])
def test_every_cell_answers_with_a_box_around_itself(net: FaceNet, height: int, width: int):
    with torch.inference_mode():
        boxes, points, scores = net(torch.randint(0, 256, (2, 3, height, width)).float())
    count = sum((height // stride) * (width // stride) for stride in STRIDES)
    assert boxes.shape == (2, count, 4)
    assert points.shape == (2, count, 5, 2)
    assert scores.shape == (2, count)
    middles = torch.cat([cells(torch.zeros(1, 1, height // s, width // s), s) for s in STRIDES])
    assert (boxes[..., :2] <= middles).all()
    assert (boxes[..., 2:] >= middles).all()


def test_answers_move_with_the_picture(net: FaceNet):
    """By 32 pixels, a cell of the coarsest stride; the border is far from the cells that are compared."""
    wide = torch.randint(0, 256, (1, 3, 480, 512), generator=torch.Generator().manual_seed(0)).float()
    with torch.inference_mode():
        left, right = net(wide[..., :480]), net(wide[..., 32:])
    at, rows = 0, []
    for stride in STRIDES:
        side = 480 // stride
        index = torch.arange(at, at + side * side).view(side, side)
        # The coarsest features see some 6 of their cells around.
        edge = 192 // stride
        rows.append(
            (index[edge:-edge, edge + 32 // stride : -edge], index[edge:-edge, edge : -edge - 32 // stride])
        )
        at += side * side
    compared = 0
    for mine, other in rows:
        mine, other = mine.flatten(), other.flatten()
        compared += len(mine)
        for a, b, shift in zip(left, right, (32.0, 32.0, 0.0), strict=True):
            moved = b[0, other] + (torch.tensor([shift, 0] * (b.shape[-1] // 2)) if b.ndim > 2 else 0)
            torch.testing.assert_close(a[0, mine], moved, rtol=1e-3, atol=1e-3)
    assert compared > 20


def test_before_training_a_face_is_rare_and_a_crop_is_the_mean_face():
    torch.manual_seed(0)
    with torch.inference_mode():
        *_, scores = FaceNet().eval()(torch.randint(0, 256, (1, 3, 64, 64)).float())
        assert scores.sigmoid().mean() < 0.02
        for size in (64, 112):
            landmarks, visibility, quality, presence = LandmarkNet(size).eval()(
                torch.rand(2, 3, size, size) * 255
            )
            np.testing.assert_allclose(
                five_points(landmarks[0].numpy()), np.array(TEMPLATE) * size - 0.5, atol=0.04 * size
            )
            assert visibility.shape == (2, 68)
            assert quality.shape == presence.shape == (2,)
            assert ((visibility > 0.3) & (visibility < 0.7)).all()


def test_shares_are_the_logits_that_are_learned():
    net = trained(LandmarkNet(64))
    with torch.inference_mode():
        image = torch.rand(2, 3, 64, 64) * 255
        points, *logits = net.answers(net.features(image))
        landmarks, *shares = net(image)
    assert torch.equal(points, landmarks)
    for logit, share in zip(logits, shares, strict=True):
        torch.testing.assert_close(logit.sigmoid(), share)


def test_networks_are_small():
    assert sum(p.numel() for p in FaceNet().parameters()) * 4 < 2e6  # bytes of the exported file, about
    assert sum(p.numel() for p in LandmarkNet().parameters()) * 4 < 4e6
