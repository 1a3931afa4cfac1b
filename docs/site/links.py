"""Links that are right in the repository are right on the site too; short code and intervals stay whole."""

import re
from typing import Any

_NOTEBOOKS = "examples/notebooks/"
_PAGES = {f"{name}.md": f"{name.lower()}.md" for name in ("CONTRIBUTING", "CHANGELOG", "SECURITY")}
_PAGES["README.md"] = "index.md"
_REPOSITORY = "tests", "src", "configs", "benchmarks", "examples", "LICENSE", "Makefile"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links and pictures of a page as mkdocs takes them: notebooks are pages, code becomes its name."""
    up = "../" * page.file.src_uri.count("/")

    def rewritten(match: re.Match[str]) -> str:
        mark, text, target, anchor = match.groups()
        target = re.sub(r"^(\.\./|docs/)+", "", target) if target.startswith(("../", "docs/")) else target
        if target.startswith(_NOTEBOOKS):
            target = target.removeprefix(_NOTEBOOKS).replace(".ipynb", ".md")
        elif target.startswith(_REPOSITORY):
            return f"{text}"
        return f"{mark}[{text}]({up}{_PAGES.get(target, target)}{anchor or ''})"

    linked = re.sub(r"(!?)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)", rewritten, markdown)
    parts = re.split(r"(?ms)^( *```.*?^ *```$)", linked)
    return "".join(part if number % 2 else _unbroken(part) for number, part in enumerate(parts))


def _unbroken(text: str) -> str:
    """Intervals and short pieces of code that stay on one line (`.whole` of site.css)."""

    def code(match: re.Match[str]) -> str:
        return match[0] if len(match[2]) > 32 else match[0] + "{.whole}"

    numbers = r"(?<=[\[(])[-+−.\d]+(, [-+−.\d]+)+(?=[\])])"
    spans = re.sub(numbers, lambda span: span[0].replace(" ", "\u00a0"), text)
    return re.sub(r"(?s)(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", code, spans)
