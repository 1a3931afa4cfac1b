"""One self-contained HTML page: pictures inside, nothing from elsewhere, legible on a phone.

The page is written in pieces, `head`, one `section` per picture, `foot`, so that a folder of pictures never
has to be in memory at once.
"""

import base64
import platform
from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from aulens.aus import AUS, AUSet
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FaceResult
from aulens.show.sides import has_sides

_PARTS: Final = ("aulens", "numpy", "opencv-python-headless", "onnxruntime", "openvino", "dlib-bin", "pillow")

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #181c24; --soft: #5f6672; --paper: #fff; --card: #f5f6f8;
  --line: #dfe2e8; --right: #00a496; --left: #f0741e; --mark: #ffd60a; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef2; --soft: #a0a7b4; --paper: #14171d;
  --card: #1d212a; --line: #343a46; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 20px 48px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 8px 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 1.25rem; margin: 0 0 12px; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 20px 0 8px; }
p { margin: 8px 0; } .soft { color: var(--soft); }
.note { border-left: 4px solid var(--mark); background: var(--card); padding: 10px 14px; border-radius: 4px; }
section { border-top: 1px solid var(--line); margin-top: 32px; padding-top: 24px; }
img { display: block; max-width: 100%; max-height: 88vh; border-radius: 8px; }
.scroll { overflow-x: auto; } .scroll img { max-width: none; max-height: none; background: #fff; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 600; font-size: 0.85rem; }
td.name { white-space: normal; }
.bar { display: inline-block; vertical-align: middle; width: 72px; height: 8px; margin-right: 8px;
  border-radius: 4px; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--soft); }
.right i { background: var(--right); } .left i { background: var(--left); }
.key b { padding: 0 6px; border-radius: 4px; color: #fff; } .key .r { background: var(--right); }
.key .l { background: var(--left); }
details { margin-top: 12px; } summary { cursor: pointer; color: var(--soft); }
footer { border-top: 1px solid var(--line); margin-top: 40px; padding-top: 16px; font-size: 0.85rem;
  overflow-wrap: anywhere; }
@media (max-width: 520px) { main { padding: 12px 12px 32px; } h1 { font-size: 1.5rem; }
  .bar { display: none; } }
"""

_SIDES: Final = """<b class="r">R</b> and <b class="l">L</b> are the person's own right and left.
Lips, chin and jaw have no sides."""
_NO_SIDES: Final = "This model does not tell the two sides of a face apart."
_SEEN: Final = "Warm colours show where an Action Unit was seen, cold ones where it was found absent."
_LOOKED: Final = (
    "Violet shows where the model looked for an Action Unit, more than elsewhere on the face; that speaks "
    "neither for it nor against it."
)


def head(card: ModelCard) -> str:
    """The beginning of the page, with what the model's card says about itself."""
    fitted = (
        "are calibrated on the data that the model was made with" if card.calibrated else "are NOT calibrated"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Action Units</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Facial Action Units</h1>
<p class="soft">Model {escape(card.name)}, {len(card.aus)} Action Units.</p>
<p class="note">{escape(card.statement)}</p>
<p class="key soft">{_SIDES if card.has_side_scores else _NO_SIDES}
{_LOOKED if card.attention else _SEEN}
Probabilities {fitted}.
An Action Unit counts as present from its own threshold on, chosen on validation data;
it can lie well below 50 %.</p>
"""


def section(
    name: str, results: Sequence[FaceResult], aus: AUSet, picture: bytes, sheets: Sequence[bytes], number: int
) -> str:
    """One picture.

    Args:
        name: what to call it.
        results: its faces.
        aus: the model's AUs.
        picture: the drawn picture as JPEG.
        sheets: for each face its evidence sheet as JPEG.
        number: position of the picture, for links.
    """
    found = {0: "No face was found.", 1: "One face."}.get(len(results), f"{len(results)} faces.")
    alt = f"{name}: {found}"
    faces = "".join(_face(result, aus, sheet, name) for result, sheet in zip(results, sheets, strict=True))
    return f"""<section id="picture-{number}">
<h2>{escape(name)}</h2>
{_image(picture, alt)}
<p class="soft">{found}</p>
{faces}</section>
"""


def foot(pictures: int, shown: int, failed: Mapping[Path, str], card: ModelCard) -> str:
    """The end of the page: pictures that could not be read, the model's card, versions.

    Args:
        pictures: how many pictures were analyzed.
        shown: how many of them are on this page.
        failed: inputs that could not be read, and why.
        card: of the model.
    """
    parts = []
    if shown < pictures:
        parts.append(
            f"<p>The first {shown} of {pictures} pictures are on this page; all are in the table.</p>"
        )
    if failed:
        rows = "".join(f"<li>{escape(str(path))}: {escape(why)}</li>" for path, why in failed.items())
        parts.append(f"<section><h2>Could not be read</h2><ul>{rows}</ul></section>")
    entries = {
        "Model": f"{card.name} ({', '.join(filter(None, (card.variant, card.backbone)))})",
        "Trained on": card.trained_on,
        "Not validated on": card.not_validated_on,
        "Licence of the weights": card.licence,
        "Digest (SHA-256)": card.onnx_sha256,
        "Exported": f"{card.created}, by aulens {card.aulens_version}",
        "Run with": ", ".join(f"{part} {number}" for part, number in versions().items()),
    }
    lines = "".join(f"<p><b>{key}.</b> {escape(value)}</p>" for key, value in entries.items())
    return "".join(parts) + f'<footer class="soft">{lines}</footer>\n</main>\n</body>\n</html>\n'


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that a result depends on."""
    found = {"Python": platform.python_version()}
    for part in _PARTS:
        try:
            found[part] = version(part)
        except PackageNotFoundError:
            continue
    return found


def _face(result: FaceResult, aus: AUSet, sheet: bytes, name: str) -> str:
    present = [number for number in aus if result.occurrence[AUS[number].label]]
    absent = [number for number in aus if number not in present]
    shown = _table(present, result) if present else "<p>No Action Unit is present.</p>"
    attention = result.evidence.attention
    alt = f"{name}, face {result.face_id}: {'attention' if attention else 'evidence'} for each Action Unit"
    return f"""<h3>Face {result.face_id}</h3>
{shown}
<details><summary>The other {len(absent)} Action Units</summary>
{_table(absent, result)}
</details>
<details open><summary>{"Where the model looked for each" if attention else "Where each was seen"}</summary>
<div class="scroll">{_image(sheet, alt)}</div>
</details>
"""


def _table(numbers: Sequence[int], result: FaceResult) -> str:
    rows = "".join(_row(number, result) for number in numbers)
    sides = "<th>Right</th><th>Left</th>" if result.has_side_scores else ""
    strength = "<th>Intensity</th>" if result.intensity else ""
    return f"""<div class="scroll"><table>
<thead><tr><th>AU</th><th>Name</th><th>Probability</th>{strength}{sides}</tr></thead>
<tbody>{rows}</tbody>
</table></div>"""


def _row(number: int, result: FaceResult) -> str:
    au = AUS[number]
    cells = [_bar(result.probability[au.label], "")]
    if result.intensity:
        strength = result.intensity.get(au.label)
        cells.append("<td></td>" if strength is None else f"<td>{strength:.1f} of 5</td>")
    if result.has_side_scores:
        told = ((result.right[au.label], "right"), (result.left[au.label], "left"))
        cells += [_bar(share, side) if has_sides(au.label) else "<td></td>" for share, side in told]
    name = escape(au.name)
    return f'<tr><td><b>{au.label}</b></td><td class="name">{name}</td>{"".join(cells)}</tr>'


def _bar(share: float, side: str) -> str:
    return f'<td><span class="bar {side}"><i style="width:{share:.0%}"></i></span>{share:.0%}</td>'


def _image(jpeg: bytes, alt: str) -> str:
    data = base64.b64encode(jpeg).decode("ascii")
    return f'<img loading="lazy" alt="{escape(alt)}" src="data:image/jpeg;base64,{data}">'
