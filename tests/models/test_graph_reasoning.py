"""The factored layer against the explicit N x N one, and against numbers from outside."""

import pytest
import torch
from torch import Tensor

from aulens.models.graph import GraphReasoning

GOLDEN = [
    [0.0, 0.0, 0.002473768854899411],
    [0.40297939353913, 0.0, 0.0],
    [0.0, 0.0, 0.08424759076812918],
    [0.004333403418911174, 0.001495553215591617, 0.0],
]


def explicit(layer: GraphReasoning, features: Tensor) -> Tensor:
    """Eqs 5 to 9 of SpyGR as they are written, with the similarity matrix formed."""
    batch, channels, height, width = features.shape
    x = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    phi = torch.relu(x @ layer.phi.weight[:, :, 0, 0].T + layer.phi.bias)
    rho = torch.sigmoid(x.mean(1) @ layer.rho.weight[:, :, 0, 0].T + layer.rho.bias)
    similarity = phi @ torch.diag_embed(rho) @ phi.transpose(1, 2)
    degree = similarity.sum(2)
    root = torch.where(degree > 0, degree.clamp_min(1e-300) ** -0.5, 0.0)
    identity = torch.eye(height * width, dtype=x.dtype)
    laplacian = identity - root[:, :, None] * similarity * root[:, None, :]
    y = torch.relu(laplacian @ x @ layer.theta.weight[:, :, 0, 0].T)
    return y.reshape(batch, height, width, channels).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("channels", "eigenvectors", "size", "batch"),
    [
        (30, 8, (6, 5), 2),  # more channels than eigenvectors, not square
        (4, 9, (3, 7), 3),  # more eigenvectors than channels
        (16, 1, (8, 8), 1),  # a single eigenvector
        (270, 12, (16, 16), 1),  # paper A's widths
    ],
)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_equals_the_explicit_form(
    channels: int,
    eigenvectors: int,
    size: tuple[int, int],
    batch: int,
    memory_format: torch.memory_format,
) -> None:
    torch.manual_seed(0)
    layer = GraphReasoning(channels, eigenvectors, floor=0).double()
    features = torch.randn(batch, channels, *size, dtype=torch.float64).to(memory_format=memory_format)
    refined, phi = layer(features)
    torch.testing.assert_close(refined, explicit(layer, features), rtol=0, atol=1e-12)
    assert phi.shape == (batch, eigenvectors, *size)
    assert phi.min() >= 0


def test_golden_numbers() -> None:
    """Worked by hand: two positions, one channel, one eigenvector, all weights 1.

    X = (1, 3), phi = X, Lam = sigmoid(2), A = Lam [[1, 3], [3, 9]], d = Lam (4, 12),
    D^-1/2 A D^-1/2 = [[1, 3 / sqrt 3], [3 / sqrt 3, 3]] / 4 (Lam cancels), so with c = 1 / sqrt 3
    L X = (1 - 1/4 - 9 c / 4, 3 - 3 c / 4 - 9 / 4).
    """
    layer = GraphReasoning(1, 1).double()
    for convolution in (layer.phi, layer.rho, layer.theta):
        torch.nn.init.ones_(convolution.weight)
    torch.nn.init.zeros_(layer.phi.bias)
    torch.nn.init.zeros_(layer.rho.bias)
    features = torch.tensor([1.0, 3.0], dtype=torch.float64).view(1, 1, 1, 2)
    phi, eigenvalues = layer.decompose(features)
    c = 3**-0.5
    wanted = torch.tensor([0.75 - 2.25 * c, 0.75 - 0.75 * c], dtype=torch.float64)
    torch.testing.assert_close(layer.laplacian(features, phi, eigenvalues).flatten(), wanted)
    torch.testing.assert_close(layer(features)[0].flatten(), wanted.relu())
    assert eigenvalues.item() == pytest.approx(0.8807970779778823)  # sigmoid(2)


def test_equals_the_papers_layer_on_numbers_from_outside() -> None:
    """From an independent float64 evaluation of Eqs 5 to 9 by explicit matrices, in numpy.

    The snippet that made them (inputs are sines, so that they can be typed anywhere):
        w = lambda shape, step: np.sin(step * np.arange(1, np.prod(shape) + 1)).reshape(shape)
        X, Wp, Wr, T = w((4, 3), .7), w((3, 2), .3), w((3, 2), .5), w((3, 3), .9)
        phi = np.maximum(X @ Wp, 0); lam = 1 / (1 + np.exp(-X.mean(0) @ Wr)); A = phi @ np.diag(lam) @ phi.T
        d = A.sum(1); r = np.where(d > 0, np.where(d > 0, d, 1) ** -.5, 0)
        Y = np.maximum((np.eye(4) - r[:, None] * A * r) @ X @ T, 0)
    """

    def waves(shape: tuple[int, int], step: float) -> Tensor:
        count = shape[0] * shape[1]
        return torch.sin(step * torch.arange(1, count + 1, dtype=torch.float64)).view(shape)

    layer = GraphReasoning(3, 2).double()
    with torch.no_grad():
        for convolution, weight in (
            (layer.phi, waves((3, 2), 0.3)),
            (layer.rho, waves((3, 2), 0.5)),
            (layer.theta, waves((3, 3), 0.9)),
        ):
            convolution.weight.copy_(weight.T[:, :, None, None])
            if convolution.bias is not None:
                convolution.bias.zero_()
    features = waves((4, 3), 0.7).T.reshape(1, 3, 2, 2)
    refined = layer(features)[0].flatten(2)[0].T
    torch.testing.assert_close(refined, torch.tensor(GOLDEN, dtype=torch.float64), rtol=0, atol=1e-12)


def test_a_position_connected_to_nothing_keeps_its_features() -> None:
    layer = GraphReasoning(5, 3).double()
    features = torch.randn(1, 5, 4, 4, dtype=torch.float64)
    phi, eigenvalues = layer.decompose(features)
    phi = phi.clone()
    phi[:, :, 1, 2] = 0
    kept = layer.laplacian(features, phi, eigenvalues)
    torch.testing.assert_close(kept[:, :, 1, 2], features[:, :, 1, 2])
    assert torch.isfinite(kept).all()


def test_rounding_does_not_decide_at_the_edge_of_phi() -> None:
    """P = phi / sqrt(d) has an infinite slope at phi = 0; the floor bounds what noise of 1e-7 does."""
    features = torch.randn(1, 5, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    phi = torch.ones(1, 3, 16, 16, dtype=torch.float64)
    phi[0, :, 4, 4] = 0
    noisy = phi.clone()
    noisy[0, :, 4, 4] = 1e-7
    eigenvalues = torch.full((1, 3), 0.5, dtype=torch.float64)

    def change(floor: float) -> float:
        layer = GraphReasoning(5, 3, floor)
        calm, shaken = (layer.laplacian(features, each, eigenvalues) for each in (phi, noisy))
        return (calm - shaken).abs().max().item()

    assert change(floor=0) > 1e-5
    assert change(floor=1e-3) < 1e-6


def test_the_floor_leaves_well_connected_positions_alone() -> None:
    torch.manual_seed(0)
    exact, floored = GraphReasoning(30, 8, floor=0).double(), GraphReasoning(30, 8).double()
    floored.load_state_dict(exact.state_dict())
    features = torch.randn(1, 30, 8, 8, dtype=torch.float64)
    assert torch.equal(exact(features)[0], floored(features)[0])


def test_all_eigenvectors_dead_is_finite_with_gradients() -> None:
    layer = GraphReasoning(5, 3)
    torch.nn.init.constant_(layer.phi.bias, -100.0)
    features = torch.randn(2, 5, 4, 4, requires_grad=True)
    refined, _ = layer(features)
    refined.sum().backward()
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()
    torch.testing.assert_close(refined, torch.relu(layer.theta(features)))


def test_high_pass_not_low_pass() -> None:
    """D^1/2 1 is the kernel of the Laplacian: constant features with a constant graph vanish."""
    layer = GraphReasoning(4, 2).double()
    features = torch.ones(1, 4, 3, 3, dtype=torch.float64)
    phi = torch.ones(1, 2, 3, 3, dtype=torch.float64)
    flat = layer.laplacian(features, phi, torch.tensor([[0.2, 0.9]], dtype=torch.float64))
    torch.testing.assert_close(flat, torch.zeros_like(flat))


def test_bfloat16_autocast_stays_close() -> None:
    """The degree is kept out of bfloat16, where 4096 positions sum to the nearest 1/256."""
    torch.manual_seed(0)
    layer = GraphReasoning(32, 6)
    features = torch.rand(1, 32, 64, 64)
    exact = layer(features)[0]
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(features)[0]
    assert (rounded.float() - exact).abs().max() < 0.02 * exact.abs().max()
