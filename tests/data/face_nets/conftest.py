"""Faces from which crops and scenes are drawn."""

import pytest

from aulens.data.face_nets.cutouts import Cutout
from made_cutouts import disc_faces


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[Cutout]:
    return disc_faces(tmp_path_factory.mktemp("disc-faces"))
