"""Whose files are whose, and that they go."""

import os
import threading
import time
from pathlib import Path

import pytest

from aulens.app.job_queue import JobQueue, Stopped, Ticket
from aulens.app.sessions import Sessions
from aulens.app.source import Source
from aulens.app.uploads import safe_name
from aulens.app.work import PageResult, PictureResult
from aulens.errors import InputError
from aulens.runtime.card import read_card
from stub_model import write_stub


@pytest.fixture
def queue():
    queue = JobQueue(5)
    yield queue
    queue.close()


@pytest.fixture
def sessions(tmp_path: Path, queue: JobQueue) -> Sessions:
    for name in ("sessions", "uploads"):
        (tmp_path / name).mkdir()
    return Sessions(tmp_path / "sessions", tmp_path / "uploads", queue)


def sent(folder: Path, name: str = "a.png", text: str = "one") -> Path:
    path = folder / "uploads" / f"sum-of-{text}" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_nothing_is_kept_for_a_page_that_was_closed(sessions: Sessions) -> None:
    sessions.of("anna")
    sessions.leave("anna")
    assert sessions.known("anna") is None
    with pytest.raises(InputError, match="Load it anew"):
        sessions.of("anna")  # a late request
    assert sessions.of("ben") is sessions.known("ben")


def test_an_upload_moves_in_and_the_next_one_takes_its_place(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.of("anna")
    session.take(sent(tmp_path), "a.png")
    place = session.take(sent(tmp_path, "b.png", "two"), "../../Zoë's interview.mp4")
    assert place.name == "Zoë's interview.mp4"
    assert place.read_text() == "two"
    assert everything(tmp_path) == ["sessions/session-1/source/Zoë's interview.mp4"]
    assert list((tmp_path / "uploads").iterdir()) == []


def test_what_arrives_after_they_left_is_deleted(sessions: Sessions, queue: JobQueue, tmp_path: Path) -> None:
    session = sessions.of("anna")
    sessions.leave("anna")
    with pytest.raises(InputError, match="was closed"):
        session.take(sent(tmp_path), "a.png")
    assert everything(tmp_path) == []
    ticket = session.begin(making(tmp_path), queue)
    assert ticket.wait(10)
    with pytest.raises(Stopped):
        ticket.result()
    assert list((tmp_path / "sessions").iterdir()) == []


def test_uploads_that_nobody_takes_go_after_ten_minutes(sessions: Sessions, tmp_path: Path) -> None:
    old, new, cut_off = sent(tmp_path), sent(tmp_path, text="two"), tmp_path / "uploads" / "tmpx1"
    cut_off.touch()
    for path in (old, cut_off):
        os.utime(path, (time.time() - 700,) * 2)
    sessions.sweep()
    assert list((tmp_path / "uploads").iterdir()) == [new.parent]
    os.utime(new, (0, 0))
    sessions.sweep()
    cut_off.touch()
    os.utime(cut_off, (0, 0))
    sessions.sweep()
    assert list((tmp_path / "uploads").iterdir()) == []  # and the folder is there


def test_of_many_uploads_the_latest_wait(sessions: Sessions, tmp_path: Path) -> None:
    places = [sessions.uploads.hand_out(str(sent(tmp_path, text=str(number)))) for number in range(60)]
    sessions.sweep()
    assert [Path(place).exists() for place in places] == [False] * 10 + [True] * 50
    assert not sessions.uploads.is_upload(places[0])


def filled(sessions: Sessions, key: str, folder: Path) -> Path:
    """A page that took a file in."""
    return sessions.of(key).take(sent(folder, text=key), "a.png")


def test_a_visit_that_never_comes_back_is_over_with_its_files(sessions: Sessions, tmp_path: Path) -> None:
    killed, lasting, recent = (filled(sessions, key, tmp_path) for key in ("killed", "lasting", "recent"))
    with sessions.here("lasting"):
        for key in ("killed", "lasting"):
            sessions.of(key).seen -= 700
        sessions.sweep()
        assert [path.exists() for path in (killed, lasting, recent)] == [False, True, True]
        with pytest.raises(InputError, match="lost its connection"):
            sessions.of("killed")
    sessions.sweep()  # it was there until just now
    assert lasting.exists()


def test_of_many_visits_without_a_page_the_latest_stay(sessions: Sessions, tmp_path: Path) -> None:
    places = [filled(sessions, f"visit-{number}", tmp_path) for number in range(60)]
    for number in range(60):
        sessions.of(f"visit-{number}").seen += number - 60
    sessions.sweep()
    assert [path.exists() for path in places] == [False] * 10 + [True] * 50


def test_bytes_of_all_files_are_counted(sessions: Sessions, tmp_path: Path) -> None:
    filled(sessions, "a", tmp_path).write_bytes(bytes(1000))
    sent(tmp_path).write_bytes(bytes(100))
    assert sessions.held() == 1100


def test_what_is_refused_goes_and_nothing_else(sessions: Sessions, tmp_path: Path) -> None:
    upload, other = sent(tmp_path), tmp_path / "other"
    other.touch()
    sessions.uploads.refuse(str(other))
    sessions.uploads.refuse(str(tmp_path / "uploads" / ".." / "other"))
    sessions.uploads.refuse(str(upload))
    assert other.exists()
    assert not upload.parent.exists()


def test_the_cameras_picture_is_not_called_by_its_path(sessions: Sessions, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^The camera's picture: not a picture"):
        sessions.uploads.read_once(sent(tmp_path))
    assert everything(tmp_path) == []


def test_an_upload_that_is_shown_may_be_taken_in_meanwhile(sessions: Sessions, tmp_path: Path) -> None:
    path = sessions.uploads.hand_out(str(sent(tmp_path)))
    with sessions.uploads.shown(path) as place:
        sessions.of("anna").take(Path(path), "a.png")
        assert place is not None
        assert place.read_text() == "one"
    with sessions.uploads.shown(path) as place:
        assert place is None
    assert list((tmp_path / "uploads").iterdir()) == []


def test_each_upload_has_a_path_that_nobody_can_guess(sessions: Sessions, tmp_path: Path) -> None:
    paths = []
    for _ in range(2):  # of the same file: Gradio gives both one path
        gradios = sent(tmp_path)
        paths.append(sessions.uploads.hand_out(str(gradios)))
        assert not gradios.parent.exists()
        assert not sessions.uploads.is_upload(str(gradios))
    assert len(set(paths)) == 2
    assert all(sessions.uploads.is_upload(path) and len(Path(path).parent.name) > 20 for path in paths)
    for path, who in zip(paths, ("anna", "ben"), strict=True):
        assert sessions.of(who).take(Path(path), "a.png").read_text() == "one"
    sessions.sweep()
    assert not any(map(sessions.uploads.is_upload, paths))
    with pytest.raises(FileNotFoundError):
        sessions.uploads.hand_out(str(gradios))
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_link_to_an_upload_is_none(sessions: Sessions, tmp_path: Path) -> None:
    (tmp_path / "uploads" / "link").symlink_to(sent(tmp_path))
    with pytest.raises(InputError, match="did not arrive"):
        sessions.of("anna").take(tmp_path / "uploads" / "link", "a.png")


@pytest.mark.parametrize("where", ["elsewhere", "uploads/../elsewhere", "link"])
def test_only_what_was_uploaded_is_taken(sessions: Sessions, tmp_path: Path, where: str) -> None:
    (tmp_path / "elsewhere").write_text("secret")
    (tmp_path / "uploads" / "link").symlink_to(tmp_path / "elsewhere")
    path = tmp_path / ("uploads/link" if where == "link" else where)
    with pytest.raises(InputError, match="did not arrive"):
        sessions.of("anna").take(path, "a.png")
    with pytest.raises(InputError, match="did not arrive"):
        sessions.uploads.read_once(path)
    assert (tmp_path / "elsewhere").read_text() == "secret"


def making(tmp_path: Path):
    card = read_card(write_stub(tmp_path))

    def work(folder: Path, ticket: Ticket[PageResult]) -> PageResult:
        (folder / "a.csv").write_text("rows")
        return PictureResult(Source(tmp_path / "a.png", "a.png", None, (1, 1)), folder, (), card, ())

    return work


def test_results_are_for_who_knows_their_token(sessions: Sessions, queue: JobQueue, tmp_path: Path) -> None:
    anna, ben = sessions.of("anna"), sessions.of("ben")
    for session in (anna, ben):
        assert session.begin(making(tmp_path), queue).wait(10)
    assert anna.token != ben.token
    assert len(anna.token) > 20
    found = sessions.file(anna.token, "a.csv")
    assert found is not None
    assert found.read_text() == "rows"
    assert sessions.file("", "a.csv") is None
    assert sessions.file("guess", "a.csv") is None
    (tmp_path / "sessions" / "secret").touch()
    for name in ("../../secret", "..", "", "nothing.csv", str(tmp_path / "sessions" / "secret")):
        assert sessions.file(anna.token, name) is None
    before = anna.token
    assert anna.begin(making(tmp_path), queue).wait(10)
    assert sessions.file(before, "a.csv") is None
    assert everything(tmp_path / "sessions") == [
        "secret",
        "session-1/result-2/a.csv",
        "session-2/result-1/a.csv",
    ]


def test_who_leaves_takes_all_along_also_in_the_middle_of_the_work(
    sessions: Sessions, queue: JobQueue, tmp_path: Path
) -> None:
    begun = threading.Event()

    def work(folder: Path, ticket: Ticket[PageResult]) -> PageResult:
        (folder / "half").touch()
        begun.set()
        while True:
            ticket.check()
            time.sleep(0.001)

    anna = sessions.of("anna")
    anna.take(sent(tmp_path), "a.png")
    ticket = anna.begin(work, queue)
    waits = sessions.of("ben").begin(making(tmp_path), queue)
    assert begun.wait(10)
    sessions.leave("anna")
    assert waits.wait(10)
    with pytest.raises(Stopped):
        ticket.result()
    assert not anna.folder.exists()
    sessions.leave("anna")  # twice is once
    sessions.close()
    assert everything(tmp_path / "sessions") == []


def test_what_was_stopped_or_failed_leaves_no_files(
    sessions: Sessions, queue: JobQueue, tmp_path: Path
) -> None:
    def work(folder: Path, ticket: Ticket[PageResult]) -> PageResult:
        (folder / "half").touch()
        raise InputError("no")

    session = sessions.of("anna")
    assert session.begin(work, queue).wait(10)
    assert everything(tmp_path / "sessions") == []
    assert session.result is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("C:\\clips\\a.mov", "a.mov"),
        ("/etc/passwd", "passwd"),
        ("a<b>:c?.png", "a_b__c_.png"),
        ("a\u202egpj.mp4", "a_gpj.mp4"),  # would be shown as a4pm.jpg
        ("..", "file"),
        (" .png", "file.png"),
        ("", "file"),
        ("é 山.mp4", "é 山.mp4"),
        ("x" * 300 + ".mp4", "x" * 176 + ".mp4"),
        (
            "顔" * 83 + ".mp4",
            "顔" * 58 + ".mp4",
        ),  # 253 bytes, which a disk takes; with an ending, it does not
        ("\udce4.mp4", "_.mp4"),
    ],
)
def test_names_that_any_system_can_hold(given: str, name: str) -> None:
    assert safe_name(given) == name
