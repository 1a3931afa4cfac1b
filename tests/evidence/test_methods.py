"""Methods on networks whose evidence is known in closed form."""

import numpy as np
import pytest
import torch

from aulens.aus import AUSet
from aulens.evidence.methods import (
    Explained,
    grad_cam,
    methods_of,
    occlusion,
    random,
    region,
    regions_first,
)
from aulens.models import AUOutput, build, model_config
from aulens.models.regions import region_masks
from aulens.models.roi_gcn import RoiNet
from synthetic_faces import face68

AUS = AUSet("three", (1, 12, 25))
SIZE = 64


def network(variant):
    torch.manual_seed(3)
    settings = {"variant": variant, "backbone": "hrnet_lane8", "aus": list(AUS), "crop": SIZE, "roi_side": 3}
    if variant.startswith("jaa"):
        settings = {"variant": variant, "aus": list(AUS), "crop": SIZE}
    return build(model_config(settings)).eval()


def explained(model, count=2):
    image = torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    landmarks = torch.tensor(face68() * 26 + 32).float().expand(count, -1, -1)
    with torch.no_grad():
        output = model(image, landmarks)
    inner = model if isinstance(model, torch.nn.Module) else None
    grid = model.grid if isinstance(model, RoiNet) else None
    return Explained(model, inner, AUS, image, landmarks, output, grid, seed=0)


def test_grad_cam_of_a_linear_classifier_is_its_class_activation_map():
    model = network("pooled")
    faces = explained(model)
    with torch.no_grad():
        activation = (faces.output.maps - model.head.bias[:, None, None]).clamp_min(0)
    expected = activation / activation.amax((2, 3), keepdim=True).clamp_min(1e-9)
    found = grad_cam(faces)
    correlation = np.corrcoef(found.numpy().ravel(), expected.numpy().ravel())[0, 1]
    assert correlation > 0.99  # it is enlarged to the face and made small again
    assert all(parameter.grad is None for parameter in model.parameters())


def test_occlusion_is_strongest_where_the_network_reads():
    def reads_a_corner(image, landmarks):
        bright = image[:, :, 40:56, 8:24].mean((1, 2, 3))
        logits = torch.stack([bright, -bright, 0 * bright], 1)
        maps = torch.zeros(len(image), 3, 16, 16)
        return AUOutput(logits, maps, logits[..., None].expand(-1, -1, 2))

    faces = explained(reads_a_corner)
    faces.image[:, :, 40:56, 8:24] = 1
    faces = Explained(
        faces.forward, None, AUS, faces.image, faces.landmarks, faces.forward(faces.image, None), None, 0
    )
    found = occlusion(faces)
    row, column = divmod(int(found[0, 0].argmax()), 16)
    assert 9 <= row <= 14 and 1 <= column <= 6  # noqa: PT018
    assert found[0, 1].argmin() == found[0, 0].argmax()
    assert not found[:, 2].any()


def test_a_region_is_strongest_at_the_aus_centres():
    faces = explained(network("roi"))
    centres = faces.model.regions.centres(faces.landmarks)
    found = region(faces)
    for au in range(len(AUS)):
        cell = np.array(divmod(int(found[0, au].argmax()), faces.side))[::-1]
        at = (cell + 0.5) * SIZE / faces.side - 0.5
        assert np.linalg.norm(centres[0, au].numpy() - at, axis=1).min() < SIZE / faces.side


def test_what_a_score_is_read_from_comes_first_in_the_order_of_the_map():
    faces = explained(network("roi"))
    windows = faces.model.regions.windows(faces.landmarks, faces.grid)
    inside = region_masks(windows, faces.side).any(2)
    found = regions_first(faces)
    for face, au in np.ndindex(2, len(AUS)):
        own, ranked, read = faces.output.maps[face, au], found[face, au], inside[face, au]
        assert ranked[read].min() > ranked[~read].max()
        for part in (read, ~read):
            assert torch.equal(own[part].argsort(), ranked[part].argsort())


def test_chance_is_the_same_for_a_seed_and_as_good_anywhere():
    faces = explained(network("roi"), count=64)
    assert torch.equal(random(faces), random(faces))
    strongest = random(faces).flatten(2).argmax(2) % faces.side
    assert strongest.float().mean() == pytest.approx((faces.side - 1) / 2, abs=1.5)


@pytest.mark.parametrize(
    ("variant", "more"),
    [
        ("pooled", ["Grad-CAM"]),
        ("roi_gcn", ["regions first", "Grad-CAM"]),
        ("roi_gcn_supervised", ["regions first", "eigenvector", "Grad-CAM"]),
        pytest.param("jaa_net", ["initial attention", "Grad-CAM"], marks=pytest.mark.slow),
    ],
)
def test_each_network_has_the_methods_it_allows_at_the_size_of_its_maps(variant, more):
    faces = explained(network(variant))
    known = methods_of(faces)
    assert list(known) == ["own", *more, "occlusion", "region alone", "random"]
    for name, method in known.items():
        maps = method(faces)
        assert maps.shape == faces.output.maps.shape, name
        assert torch.isfinite(maps).all(), name


def test_an_exported_network_has_no_gradients_to_ask_for():
    faces = explained(network("roi_gcn_supervised"))
    exported = Explained(faces.forward, None, AUS, faces.image, faces.landmarks, faces.output, None, 0)
    assert list(methods_of(exported)) == ["own", "occlusion", "region alone", "random"]
