"""The browser's camera: a picture of it, and live."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from serving import OpenPage, Serving, until

from browsers import launched
from patch_people import patch_frame, write_people

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser whose camera shows somebody red on the left."""
    data = io.BytesIO()
    frame = Image.fromarray(patch_frame({"red": (10, 20)})).resize((640, 384), Image.Resampling.NEAREST)
    frame.save(data, "JPEG", quality=95)
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    path.write_bytes(data.getvalue() * 3)
    with launched(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    ) as browser:
        yield browser


def test_the_camera_is_not_mirrored_and_nothing_of_it_is_kept(
    camera: Any, serve: Callable[..., Serving]
) -> None:
    serving = serve(0.0)
    seen = OpenPage(camera, serving)
    seen.page.get_by_role("tab", name="Webcam").click()
    seen.page.locator("#snap button:visible").first.click()
    seen.page.locator("#snap video").wait_for()
    seen.page.wait_for_function("document.querySelector('#snap video').videoWidth > 0")
    seen.page.locator("#snap button[aria-label='capture photo']:visible").click()
    seen.page.locator("#facts nav").wait_for()
    assert seen.text("#facts h2").startswith("webcam-")
    (row,) = seen.rows()
    assert float(row["box_x"]) + float(row["box_w"]) / 2 < 320  # Gradio would mirror it, and sides with it
    seen.page.get_by_role("tab", name="Live").click()
    seen.page.locator("#live button:visible").first.click()
    seen.page.wait_for_function("document.querySelector('#live video')?.videoWidth > 0")
    seen.page.locator("#live button[aria-label='capture photo']:visible").click()
    live = seen.page.locator("#mirror img")
    live.wait_for()
    assert live.get_attribute("alt").startswith("Live picture. face 0: ")
    looks = serving.looks.stat().st_size
    until(lambda: serving.looks.stat().st_size > looks + 2)  # it goes on
    assert seen.wrong == []
    assert seen.abroad() == []
    seen.page.close()
    until(lambda: serving.sessions() == [])


def test_the_camera_runs_while_a_video_is_analyzed(
    camera: Any, serve: Callable[..., Serving], tmp_path: Path
) -> None:
    seen = OpenPage(camera, serve(0.3))
    seen.analyze(write_people(tmp_path / "long.mp4", 300))
    seen.page.wait_for_function("/frame \\d/.test(document.querySelector('#status').innerText)")
    seen.page.get_by_role("tab", name="Webcam").click()
    seen.page.locator("#snap button:visible").first.click()
    seen.page.wait_for_function("document.querySelector('#snap video')?.videoWidth > 0")
    seen.page.evaluate("window.before = document.querySelector('#snap video')")
    seen.page.wait_for_timeout(1500)  # some looks at how far it is
    assert seen.page.evaluate("before.isConnected && before.videoWidth > 0")
    assert seen.page.locator("#cancel").is_visible()
    seen.page.close()
