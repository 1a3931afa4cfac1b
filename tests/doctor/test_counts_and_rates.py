"""Counts and base rates against what is published, on data sets of the published size."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from aulens.aus import MISSING
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.protocols import PROTOCOLS, Protocol
from aulens.doctor import examine
from aulens.doctor.flicker import changes
from aulens.doctor.rates import check_rates, rates

pytestmark = pytest.mark.slow


def part_rates(protocol: Protocol, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """Base rates of each part that give the published class weights of all three pairs of parts.

    A weight is (1 / rate) / mean(1 / rate); the mean is not published: 4 puts AU12 of BP4D at 0.58.
    """
    mean = 4.0 if protocol.name == "bp4d" else 14.0
    pairs = {key: 1 / (mean * np.array(w)) for key, w in protocol.class_weights.items()}
    total = {key: pairs[key] * sum(sizes[part] for part in key) for key in pairs}
    found = {}
    for part in sizes:
        mine = sum(total[key] for key in total if part in key)
        other = next(total[key] for key in total if part not in key)
        found[part] = (mine - other) / 2 / sizes[part]
        assert ((found[part] > 0) & (found[part] < 1)).all()
    return found


@cache
def published(name: str, frames: str = "coded") -> FrameIndex:
    """A data set of the published subjects, frames and base rates; each AU is one long event a subject."""
    protocol = PROTOCOLS[name]
    sizes = dict(protocol.frames[frames])
    by_part = part_rates(protocol, sizes)
    subjects, parts, numbers, labels = [], [], [], []
    for part, names in protocol.parts.items():
        shares = np.diff(np.linspace(0, sizes[part], len(names) + 1).round().astype(int))
        for subject, n in zip(names, shares, strict=True):
            subjects.append(np.repeat(subject, n))
            parts.append(np.repeat(part, n))
            numbers.append(np.arange(n))
            place = np.arange(n)[:, None]
            start = np.random.default_rng(len(labels)).integers(0, n, len(protocol.aus))
            labels.append(((place - start) % n < by_part[part] * n).astype(np.int8))
    n = sum(sizes.values())
    return FrameIndex(
        name,
        protocol.aus,
        ("there.jpg",) * n,
        np.full(n, PICTURE, np.int32),
        np.concatenate(subjects),
        np.repeat("T1", n),
        np.concatenate(numbers),
        np.concatenate(labels),
        None,
        np.concatenate(parts),
    )


def thinned(name: str) -> FrameIndex:
    """Each 40th frame of a published one."""
    index = published(name)
    return index.take(np.arange(0, len(index), 40))


def examined(index: FrameIndex):
    return examine(index, pictures=False)


def codes(index: FrameIndex) -> dict[str, str]:
    return {f.code: f.level for f in examined(index).findings}


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("bp4d", "coded"),
        pytest.param("bp4d", "jaanet"),
        pytest.param("disfa", "coded"),
        ("disfa", "jaanet"),
    ],
)
def test_the_published_data_set_is_sound_and_its_frame_protocol_is_named(name: str, frames: str):
    seen = examined(published(name, frames))
    assert seen.findings == ()
    assert seen.ok
    assert seen.frame_protocol == frames
    assert sum(part.frames for part in seen.parts) == sum(PROTOCOLS[name].frames[frames].values())


def test_a_frame_too_few_fits_no_protocol_and_is_a_warning():
    index = published("bp4d")
    seen = examined(index.take(np.arange(1, len(index))))
    (finding,) = seen.findings
    assert (finding.level, finding.code) == ("warning", "frame_count")
    assert "part 1 50,630 (-1)" in finding.message
    assert "all coded frames" in finding.message
    assert seen.ok
    assert not seen.frame_protocol


def test_a_missing_subject_is_an_error():
    index = thinned("disfa")
    assert codes(index.take(np.flatnonzero(index.subject != "SN010"))) == {"missing_subject": "error"}


@pytest.mark.parametrize("name", ["bp4d", "disfa"])
def test_columns_that_differ_in_base_rate_are_seen_when_swapped(name: str):
    index = published(name)
    weights = np.array(list(PROTOCOLS[name].class_weights.values()))
    for a in range(len(index.aus)):
        for b in range(a):
            labels = index.labels.copy()
            labels[:, [a, b]] = labels[:, [b, a]]
            found, _ = check_rates(replace(index, labels=labels), True, "coded")
            apart = np.abs(np.log(weights[:, a] / weights[:, b])).max()
            if apart > 0.2:
                assert [f.level for f in found] == ["error"], (a, b)
                assert f"{index.aus.labels[b]} and {index.aus.labels[a]} were swapped" in found[0].message
            elif apart < 0.04:
                assert not found


def test_intensities_from_1_on_instead_of_2_change_base_rates():
    index = published("disfa")
    labels = index.labels.copy()
    column = labels[:, index.aus.index(1)]
    grown = np.convolve(column, np.ones(501), "same") > 0
    labels[:, index.aus.index(1)] = grown
    (finding,) = examined(replace(index, labels=labels)).findings
    assert finding.code == "base_rates"
    assert finding.level == "error"
    assert "AU1 " in finding.message
    assert "from which intensity on" in finding.message


def test_long_neutral_stretches_and_subjects_without_an_au_are_no_faults():
    index = published("disfa")
    labels = index.labels.copy()
    # All of AU9 comes from half of the subjects, and five subjects never move at all.
    for part in "123":
        names = PROTOCOLS["disfa"].parts[part]
        for quiet, loud in zip(names[:4], names[4:8], strict=True):
            q, o = (np.flatnonzero(index.subject == name) for name in (quiet, loud))
            n = min(len(q), len(o))
            for a in range(len(index.aus)):
                both = int((labels[q[:n], a] == 1).sum() + (labels[o[:n], a] == 1).sum())
                if both <= n:
                    labels[q[:n], a] = 0
                    labels[o[:n], a] = np.roll(np.arange(n) < both, 7 * int(loud[2:]) * a)
    assert codes(replace(index, labels=labels)) == {}


def test_an_au_that_is_not_coded_in_one_clip_is_a_warning_and_in_most_an_error():
    index = thinned("bp4d")
    labels = index.labels.copy()
    labels[index.subject == "F001", 3] = MISSING
    findings = [f for f in examined(replace(index, labels=labels)).findings if f.code == "not_coded"]
    assert [(f.level, f.where) for f in findings] == [("warning", "F001/T1")]
    labels[:, 3] = MISSING
    findings = [f for f in examined(replace(index, labels=labels)).findings if f.code == "not_coded"]
    assert [(f.level, f.where) for f in findings] == [("error", "AU6")]


def test_a_single_frame_with_an_uncoded_au_is_no_clip_without_it():
    index = thinned("bp4d")
    labels = index.labels.copy()
    labels[:30, 3] = MISSING
    sequence = np.array([f"{name}-{row}" for row, name in enumerate(index.sequence.tolist())])
    found = examined(replace(index, labels=labels, sequence=sequence)).findings
    assert [f for f in found if f.code == "not_coded"] == []


def test_an_empty_column_is_an_error():
    index = thinned("disfa")
    labels = index.labels.copy()
    labels[:, 0] = 0
    found = [f for f in examined(replace(index, labels=labels)).findings if f.code == "never_present"]
    assert [f.where for f in found] == ["part 1", "part 2", "part 3"]
    assert all("AU1 never occurs" in f.message for f in found)


def test_lost_pictures_are_counted_and_all_lost_is_an_error():
    index = published("disfa")
    media = ("",) * 100 + index.media[100:]
    seen = examined(replace(index, media=media))
    assert seen.ok
    assert "100 of 130814" in seen.findings[0].message
    assert codes(replace(index, media=("",) * len(index)))["missing_picture"] == "error"


def test_aff_wild2_needs_both_of_its_parts():
    index = thinned("bp4d")
    other = PROTOCOLS["affwild2"]
    wild = replace(index, dataset="affwild2", aus=other.aus, part=np.repeat("train", len(index)))
    assert codes(wild) == {"missing_part": "error"}
    half = np.where(np.char.startswith(index.subject, "M"), "train", "validation")
    assert codes(replace(wild, part=half)) == {}


def test_base_rates_leave_out_what_is_not_coded():
    labels = np.array([[1, MISSING], [0, MISSING], [1, 0], [MISSING, 1]], np.int8)
    assert rates(labels) == pytest.approx([2 / 3, 1 / 2])
    assert np.isnan(rates(labels[:2])[1])


def test_expected_changes_are_the_mean_over_random_orders():
    random = np.random.default_rng(4)
    labels = np.where(random.random((60, 2)) < 0.1, MISSING, random.random((60, 2)) < [0.2, 0.6]).astype(
        np.int8
    )
    frame = np.arange(60) + 5 * (np.arange(60) // 10)  # 9 and 15 are no neighbours, nor 24 and 30, ...
    seen, expected = changes(labels, frame)
    by_hand = sum(
        1
        for t in range(59)
        for a in range(2)
        if t % 10 != 9
        if MISSING not in (labels[t, a], labels[t + 1, a]) and labels[t, a] != labels[t + 1, a]
    )
    assert seen == by_hand
    shuffled = []
    for _ in range(4000):
        mixed = labels.copy()
        for a in range(2):  # among the coded places, which stay
            coded = np.flatnonzero(labels[:, a] != MISSING)
            mixed[coded, a] = labels[random.permutation(coded), a]
        shuffled.append(changes(mixed, frame)[0])
    assert expected == pytest.approx(np.mean(shuffled), rel=0.01)


def test_a_subject_in_two_parts_is_an_error():
    index = thinned("disfa")
    part = index.part.copy()
    part[np.flatnonzero(index.subject == "SN010")[:3]] = "3"
    (finding,) = [f for f in examined(replace(index, part=part)).findings if f.code == "subject_leak"]
    assert (finding.level, finding.where) == ("error", "SN010")
    assert "the parts '1' and '3'" in finding.message
