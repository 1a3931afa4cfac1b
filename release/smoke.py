"""Try what one extra of an installed aulens is for: run by the Python that it is installed for.

    ENV/bin/python release/smoke.py EXTRA PICTURES

Works in the current folder, which is to be empty; PICTURES is examples/pictures. Says what was seen.
"""

import csv
import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

COMMAND: Final = Path(sys.executable).with_name("aulens.exe" if sys.platform == "win32" else "aulens")
PATIENCE: Final = 1200
"""Seconds for one command."""

TRAINING: Final = """
[model]
variant = "roi"
backbone = "hrnet_lane8"
aus = [4, 12]
crop = 32
roi_side = 3
[train]
epochs = 1
batch = 4
accelerator = "cpu"
threads = 1
"""
NOT_THERE: Final = {
    "parquet": "detect {picture} -f parquet --out parquet",
    "dlib": "detect {picture} --detector dlib",
    "mediapipe": "detect {picture} --detector mediapipe --detector-model nothing.task",
    "openvino": "detect {picture} --backend openvino",
    "cluster": "detect {picture} --cluster --out cluster",
    "app": "app --port 0",
    "data": "doctor bp4d .",
    "render": "render --n 1 --out renders",
    "train": "train --config training.toml --out run --data .",
}
"""Of each extra a command that needs it, which the core answers by a sentence."""


def aulens(*arguments: object, code: int = 0) -> tuple[str, str]:
    """What a command says on standard output and on standard error."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != code or "Traceback" in done.stderr:
        sys.exit(
            f"aulens {' '.join(map(str, arguments))}: exit code {done.returncode}, not {code}\n{done.stderr}"
        )
    return done.stdout, done.stderr


def sees_the_smile(pictures: Path, *options: object) -> str:
    """AU12 in smile.jpg, and not in neutral.jpg."""
    said, _ = aulens("detect", pictures / "smile.jpg", pictures / "neutral.jpg", "-f", "csv", *options)
    smile, neutral = csv.DictReader(said.splitlines())
    assert (smile["AU12_c"], neutral["AU12_c"]) == ("1", "0"), said
    return f"AU12 {float(smile['AU12_p']):.2f} in the smile, {float(neutral['AU12_p']):.2f} at rest"


def clip(pictures: Path) -> Path:
    """Three seconds, a face at rest and a smile; who is seen for less than one has no figures."""
    from aulens import VideoWriter, read_image

    rest, smile = (read_image(pictures / f"{name}.jpg") for name in ("neutral", "smile"))
    height, width = rest.shape[:2]
    with VideoWriter("talk.mp4", (width, height), rate=10) as writer:
        for frame in range(30):
            writer.write(rest if frame < 15 else smile[:height, :width], frame / 10)
    return Path("talk.mp4")


def manifest(pictures: Path) -> Path:
    """Eighteen people: the six pictures, three times."""
    root = Path("coded")
    root.mkdir()
    rows = [["path", "subject", "sequence", "frame", "AU4", "AU12", "part"]]
    for part in ("train", "val", "test"):
        for path in sorted(pictures.glob("*.jpg")):
            shutil.copy(path, root / f"{part}_{path.name}")
            smile, frown = "smile" in path.name, path.stem in {"frown", "sad"}
            rows.append(
                [f"{part}_{path.name}", f"{part}{path.stem}", "one", "0", str(+frown), str(+smile), part]
            )
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return root / "manifest.csv"


def prepared(pictures: Path) -> Path:
    aulens("prepare", "manifest", manifest(pictures), "prepared", "--size", 48, "--allow-near-duplicates")
    return Path("prepared")


def trained(pictures: Path) -> Path:
    Path("training.toml").write_text(TRAINING, encoding="utf-8")
    aulens("train", "--config", "training.toml", "--data", prepared(pictures), "--out", "run")
    return Path("run")


def core(pictures: Path) -> str:
    import aulens as package

    assert Path(package.__file__).is_relative_to(sys.prefix), package.__file__
    assert aulens("--version")[0].split()[-1] == importlib.metadata.version("aulens")
    missing = [name for name in package.__all__ if getattr(package, name, None) is None]
    assert not missing, missing
    seen = sees_the_smile(pictures)
    _, said = aulens("report", clip(pictures), "--out", "report")
    assert Path("report/talk.html").is_file(), said
    Path("training.toml").write_text(TRAINING, encoding="utf-8")
    for extra, line in NOT_THERE.items():
        arguments = [word.format(picture=pictures / "smile.jpg") for word in line.split(" ")]
        said = " ".join(aulens(*arguments, code=2)[1].replace("│", " ").split())
        assert f"'aulens[{extra}]'" in said, f"aulens {line}: {said}"
    return f"{seen}; {len(NOT_THERE)} missing extras are named"


def app(pictures: Path) -> str:
    server = subprocess.Popen(
        [COMMAND, "app", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert server.stdout is not None
    heard = ""
    try:
        for line in server.stdout:
            heard += line
            if "http://" in line:
                break
        address = "http://" + heard.partition("http://")[2].split()[0]
        with urllib.request.urlopen(address, timeout=60) as answer:
            page = answer.read().decode()
        assert "aulens" in page
        return f"{len(page)} bytes of a page"
    finally:
        server.terminate()
        server.wait(60)


def cluster(pictures: Path) -> str:
    aulens("detect", pictures, "--out", "out", "--cluster", "--workers", 1)
    return f"{len(Path('out/results.csv').read_text(encoding='utf-8').splitlines()) - 1} rows by Ray"


def data(pictures: Path) -> str:
    aulens("doctor", "manifest", manifest(pictures), "--quick")
    shutil.rmtree("coded")
    prepared(pictures)
    import pandas

    return f"{len(pandas.read_parquet('prepared/manifest.parquet'))} faces prepared"


def evidence(pictures: Path) -> str:
    said, _ = aulens("evaluate", trained(pictures), "--split", "test", "--bootstrap", 0, "--evidence")
    assert "Grad-CAM" in said, said
    return "Grad-CAM beside the maps"


def figures(pictures: Path) -> str:
    aulens("report", clip(pictures), "--out", "report")
    drawn = sorted(path.name for path in Path("report/talk.figures").iterdir())
    assert drawn
    return f"{len(drawn)} figures"


def parquet(pictures: Path) -> str:
    aulens("detect", pictures, "--out", "out", "-f", "parquet")
    from aulens import read_table

    assert Path("out/results.parquet").is_file()
    aulens("detect", clip(pictures), "--out", "video", "-f", "parquet")
    return f"{len(read_table('video/talk.parquet'))} rows"


def render(pictures: Path) -> str:
    aulens("render", "--n", 2, "--size", 64, "--processes", 1, "--out", "renders")
    return f"{len(list(Path('renders').rglob('*.jpg')))} renders"


def train(pictures: Path) -> str:
    run = trained(pictures)
    aulens("evaluate", run, "--split", "test", "--bootstrap", 0)
    aulens("export", run, "--out", "exported", "--name", "mine")
    aulens("detect", pictures / "smile.jpg", "--model", "exported/mine.json", "-f", "csv")
    return f"trained, measured, exported: {Path('exported/mine.onnx').stat().st_size} bytes"


def mediapipe(pictures: Path) -> str:
    # It brings no model: the package is loaded, and what it makes of a file that is none is a sentence.
    Path("nothing.task").write_bytes(b"no model")
    _, said = aulens(
        "detect", pictures / "smile.jpg", "--detector", "mediapipe", "--detector-model", "nothing.task",
        code=2,
    )  # fmt: skip
    assert "nothing.task" in said, said
    assert "aulens[mediapipe]" not in said, said
    return "loaded; no model is part of it"


SMOKES: Final[dict[str, Callable[[Path], str]]] = {
    "core": core,
    "app": app,
    "cluster": cluster,
    "data": data,
    "dlib": lambda pictures: sees_the_smile(pictures, "--detector", "dlib"),
    "evidence": evidence,
    "figures": figures,
    "mediapipe": mediapipe,
    "openvino": lambda pictures: sees_the_smile(pictures, "--backend", "openvino"),
    "parquet": parquet,
    "render": render,
    "train": train,
}
TORCH: Final = {"evidence", "render", "train"}
"""The extras that bring torch; no other does."""


def main() -> None:
    extra, pictures = sys.argv[1], Path(sys.argv[2])
    if (importlib.util.find_spec("torch") is not None) != (extra in TORCH):
        sys.exit(f"torch is {'missing' if extra in TORCH else 'there'}")
    print(SMOKES[extra](pictures))


if __name__ == "__main__":
    main()
