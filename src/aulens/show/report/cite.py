"""How to cite what a result was made with: aulens, and the paper that its model follows."""

from typing import Final

from aulens.errors import ConfigError
from aulens.models.family import find

_AULENS: Final = """@software{{aulens,
  title   = {{aulens: facial Action Units, per side of the face, with their evidence}},
  author  = {{{{The aulens authors}}}},
  version = {{{version}}},
  year    = {{2026}}
}}"""


def bibtex(variant: str, version: str) -> str:
    """BibTeX of aulens and of the papers behind a model.

    Args:
        variant: the model's, as its card says.
        version: of aulens.
    """
    try:
        papers = find(variant).papers(variant)
    except ConfigError:  # of a package that can't be loaded here: the report is none the worse
        papers = ()
    return "\n\n".join([_AULENS.format(version=version), *papers])
