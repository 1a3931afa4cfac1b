"""Shards against the standard library's tar."""

import multiprocessing
import tarfile
from concurrent.futures import ProcessPoolExecutor

import pytest

from aulens.data.shards import OPEN_FILES, ByteRange, read_bytes, write_shard
from aulens.errors import DatasetError

MEMBERS = {
    "F001/T1/2440.jpg": b"\xff\xd8" + bytes(700),
    "F001/T1/2441.jpg": b"",
    "F001/T1/2442.jpg": bytes(range(256)) * 2,  # just one block
    "ü/" + "long" * 60 + ".jpg": b"abc",
}


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "a.tar"
    with write_shard(path) as writer:
        byte_ranges = {name: ByteRange(str(path), *writer.add(name, data)) for name, data in MEMBERS.items()}
    return path, byte_ranges


def test_any_tar_reads_it(shard):
    path, byte_ranges = shard
    with tarfile.open(path) as tar:
        assert [member.name for member in tar] == list(MEMBERS)
        for name, data in MEMBERS.items():
            member = tar.getmember(name)
            assert tar.extractfile(member).read() == data
            assert (member.offset_data, member.size) == (byte_ranges[name].offset, byte_ranges[name].length)


def test_spans_lead_to_the_bytes(shard):
    for name, place in shard[1].items():
        assert read_bytes(place.path, place.offset, place.length) == MEMBERS[name]


def test_other_processes_read_too(shard):
    name = "F001/T1/2442.jpg"
    place = shard[1][name]
    read_bytes(place.path, place.offset, place.length)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(read_bytes, place.path, place.offset, place.length).result() == MEMBERS[name]


def test_more_shards_than_stay_open(tmp_path):
    for number in range(OPEN_FILES + 20):
        (tmp_path / str(number)).write_bytes(b"%03d" % number)
    for number in [*range(OPEN_FILES + 20), 0, 1]:
        assert read_bytes(str(tmp_path / str(number)), 0, 3) == b"%03d" % number


def test_the_same_pictures_give_the_same_bytes(shard, tmp_path):
    with write_shard(tmp_path / "b.tar") as writer:
        for name, data in MEMBERS.items():
            writer.add(name, data)
    assert (tmp_path / "b.tar").read_bytes() == shard[0].read_bytes()


def test_an_unfinished_shard_is_not_there(tmp_path):
    def write():
        with write_shard(tmp_path / "a.tar") as writer:
            writer.add("a", bytes(10_000))
            assert not (tmp_path / "a.tar").exists()
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_said(shard):
    path = shard[0]
    with pytest.raises(DatasetError, match=r"Cannot read .*none\.tar: No such file"):
        read_bytes(str(path.with_name("none.tar")), 0, 1)
    with pytest.raises(DatasetError, match=r"a\.tar ends before byte"):
        read_bytes(str(path), path.stat().st_size - 5, 6)
