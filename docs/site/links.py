"""Links that are right in the repository are right on the site too."""

import re
from typing import Any

_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "README.md": "index.md"}
_REPOSITORY = "tests", "src", "configs", "benchmarks", "examples", "LICENSE", "Makefile"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of a page as mkdocs takes them: those to code of the repository become its name."""
    up = "../" * page.file.src_uri.count("/")

    def rewritten(match: re.Match[str]) -> str:
        text, target, anchor = match.groups()
        target = re.sub(r"^(\.\./|docs/)+", "", target) if target.startswith(("../", "docs/")) else target
        if target.startswith(_REPOSITORY):
            return f"{text}"
        return f"[{text}]({up}{_PAGES.get(target, target)}{anchor or ''})"

    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)", rewritten, markdown)
