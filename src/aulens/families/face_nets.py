"""The face networks: they find faces, landmarks, and who is who."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aulens.landmarks import IBUG68
from aulens.training.face_nets.family import FaceFamily

if TYPE_CHECKING:
    from torch import nn

    from aulens.training.face_nets.task import FaceTask

THRESHOLD: Final = 0.5
"""Least confidence of a face, calibrated: every second answer of this confidence is right."""


class _Faces(FaceFamily):
    """`aulens.models.face_net`."""

    size, multiple, any_size = 256, 32, True
    outputs = ("boxes", "points", "scores")
    format = "aulens-detector/1"

    def build(self, side: int) -> nn.Module:
        from aulens.models.face_net import FaceNet

        return FaceNet()

    @property
    def task(self) -> type[FaceTask]:
        from aulens.training.face_nets.tasks import FacesTask

        return FacesTask

    def card(self, side: int, validation: Mapping[str, Any]) -> dict[str, Any]:
        platt = [round(float(validation.get(key, rest)), 4) for key, rest in (("slope", 1), ("offset", 0))]
        return {"platt": platt, "threshold": THRESHOLD}


class _Landmarks(FaceFamily):
    """`aulens.models.face_net`."""

    size, multiple, takes_finder = 112, 16, True
    outputs = ("landmarks", "visibility", "quality", "presence")
    format = "aulens-landmarks/1"

    def build(self, side: int) -> nn.Module:
        from aulens.models.face_net import LandmarkNet

        return LandmarkNet(side)

    @property
    def task(self) -> type[FaceTask]:
        from aulens.training.face_nets.tasks import LandmarksTask

        return LandmarksTask

    def card(self, side: int, validation: Mapping[str, Any]) -> dict[str, Any]:
        from aulens.data.face_nets.crops import TEMPLATE

        return {"size": side, "template": [list(point) for point in TEMPLATE], "layout": IBUG68.name}


class _People(FaceFamily):
    """`aulens.models.face_net`."""

    size, multiple = 80, 16
    outputs = ("person",)
    format = "aulens-people/1"

    def build(self, side: int) -> nn.Module:
        from aulens.models.face_net import PersonNet

        return PersonNet(side)

    @property
    def task(self) -> type[FaceTask]:
        from aulens.training.face_nets.people import PeopleTask

        return PeopleTask

    def card(self, side: int, validation: Mapping[str, Any]) -> dict[str, Any]:
        from aulens.data.face_nets.people import TEMPLATE
        from aulens.training.face_nets.people import SAME

        return {"size": side, "template": [list(point) for point in TEMPLATE], "same": SAME}


FACE_NET: Final = _Faces()
LANDMARK_NET: Final = _Landmarks()
PERSON_NET: Final = _People()
