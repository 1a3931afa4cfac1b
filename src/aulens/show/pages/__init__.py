"""Pages and pieces of HTML, filled by Jinja2, which escapes all that comes from outside.

A page is one file: the style sheet, scripts and pictures are in it, and its policy lets it load nothing else.
"""

import base64
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def piece(page: str, name: str, package: str = "aulens.show") -> Callable[..., str]:
    """A macro of a page: called with what fills it, it gives HTML.

    Args:
        page: name of the file, in the folder `pages` of the package or of `aulens.show`.
        name: of the macro.
        package: whose page it is.
    """
    return lambda *content: str(getattr(templates(package).get_template(page).module, name)(*content))


@cache
def templates(package: str = "aulens.show") -> "Environment":
    """The pages of a package, and those of `aulens.show` for them to take pieces from."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=ChoiceLoader(
            [PackageLoader(name, "pages") for name in dict.fromkeys((package, "aulens.show"))]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    made.filters |= {"percent": lambda share: f"{share:.0%}", "base64": in_base64}
    made.globals["style"] = Markup(part("style.css"))
    return made


def part(name: str) -> str:
    """The text of one of our style sheets or scripts."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def in_base64(data: bytes) -> str:
    """Bytes as text, for addresses of data."""
    return base64.b64encode(data).decode("ascii")
