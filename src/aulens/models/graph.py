"""Graph reasoning over all positions of a feature map, without ever forming the graph.

The layer of X. Li et al., "Spatial Pyramid Based Graph Reasoning for Semantic Segmentation", CVPR 2020
(single scale), as paper A uses it. With n positions, C channels and M eigenvectors:

    phi = ReLU(conv1x1 X)               (n, M)   Eq 6
    Lam = diag(sigmoid(conv1x1 GAP X))  (M, M)   Eq 7
    d   = phi (Lam (phi^T 1))           (n,)     Eq 11, the row sums of A = phi Lam phi^T
    P   = d^-1/2 phi                    (n, M)
    Y   = ReLU((X - P (Lam (P^T X))) Theta)      Eqs 9 and 12

which costs O(n M C) instead of O(n^2 C). Mind the sign: it is the Laplacian (high-pass), not its low-pass
half.

Shapes: B batch, C channels, N positions (h*w, row by row), M eigenvectors.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class GraphReasoning(nn.Module):
    """Refines a feature map by one graph convolution whose graph is computed from the map itself.

    Args:
        channels: C, channels of the feature map (kept).
        eigenvectors: M, rank of the similarity matrix; paper A has one eigenvector per AU.
        floor: Least degree, as a fraction of the image's mean degree: our choice, the papers divide by what
            may be 0. Positions above it are untouched; the few below are treated as if they had it.
    """

    def __init__(self, channels: int, eigenvectors: int, floor: float = 1e-3) -> None:
        super().__init__()
        self.floor = floor
        self.phi = nn.Conv2d(channels, eigenvectors, 1)
        self.rho = nn.Conv2d(channels, eigenvectors, 1)
        self.theta = nn.Conv2d(channels, channels, 1, bias=False)

    def decompose(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Eigenvectors and eigenvalues of the similarity matrix.

        Args:
            features: (B, C, h, w).

        Returns:
            phi (B, M, h, w), not negative; eigenvalues (B, M) in (0, 1).
        """
        phi = functional.relu(self.phi(features))
        eigenvalues = torch.sigmoid(self.rho(features.mean((2, 3), keepdim=True))).flatten(1)
        return phi, eigenvalues

    def laplacian(self, features: Tensor, phi: Tensor, eigenvalues: Tensor) -> Tensor:
        """(I - D^-1/2 A D^-1/2) X, with A = phi Lam phi^T kept as its factors.

        Args:
            features: (B, C, h, w).
            phi: (B, M, h, w), not negative.
            eigenvalues: (B, M).

        Returns:
            (B, C, h, w) in the dtype of `features`. A position whose phi is zero everywhere is connected to
            nothing and keeps its features.
        """
        # The degree is a sum over all positions, and its inverse root magnifies what rounding leaves of small
        # ones: bfloat16 keeps 8 bits, so this part leaves autocast.
        with torch.autocast(features.device.type, enabled=False):
            phi_BNM = phi.flatten(2).transpose(1, 2)
            phi_BNM = phi_BNM.float() if phi_BNM.dtype in (torch.float16, torch.bfloat16) else phi_BNM
            lam_BM1 = eigenvalues.to(phi_BNM.dtype).unsqueeze(2)
            degree_BN1 = phi_BNM @ (lam_BM1 * phi_BNM.sum(1).unsqueeze(2))
            # P grows as the root of phi: infinitely steep at 0, where rounding would decide. And it may be 0.
            tiny = torch.finfo(degree_BN1.dtype).tiny ** 0.5
            least_B11 = self.floor * degree_BN1.mean(1, keepdim=True) + tiny
            p_BNM = (phi_BNM * torch.maximum(degree_BN1, least_B11).rsqrt()).to(features.dtype)
            x_BNC = features.flatten(2).transpose(1, 2)
            context_BMC = lam_BM1.to(features.dtype) * (p_BNM.transpose(1, 2) @ x_BNC)
            y_BNC = torch.baddbmm(x_BNC, p_BNM, context_BMC, alpha=-1)
        return y_BNC.transpose(1, 2).reshape(features.shape)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Refine features.

        Args:
            features: X0 (B, C, h, w).

        Returns:
            X1 (B, C, h, w), not negative, and phi (B, M, h, w) for supervision.
        """
        phi, eigenvalues = self.decompose(features)
        refined = self.theta(self.laplacian(features, phi, eigenvalues))
        return functional.relu(refined), phi
