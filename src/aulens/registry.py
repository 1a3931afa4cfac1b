"""What can be chosen by its name: aulens' own, and what installed packages add as entry points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Generic, TypeVar

from aulens.errors import AulensError, ConfigError

Entry = TypeVar("Entry")


@contextmanager
def blamed(who: str, error: type[AulensError]) -> Iterator[None]:
    """What goes wrong in the code of an installed package is said of it: "The data set 'toy'".

    Raises:
        AulensError: `error` in place of what it raises, its cause; its own errors of aulens as they are.
    """
    try:
        yield
    except AulensError:
        raise
    except (Exception, SystemExit) as fault:
        raise error(f"{who} failed: {fault!r:.300}; its package must mend that") from fault


@dataclass(frozen=True)
class Registry(Generic[Entry]):
    """Entries by name; each is an object in a module that is loaded when the entry is asked for.

    Attributes:
        what: one entry in a sentence, "data set".
        group: of the entry points by which a package adds entries, "aulens.datasets"; a package can't take
            the name of one of aulens' own.
        kind: the class of the entries.
        own: aulens' own, name → "module:object".
    """

    what: str
    group: str
    kind: type[Entry]
    own: Mapping[str, str]

    def names(self) -> tuple[str, ...]:
        """All names: aulens' own, then those that packages add."""
        return (*self.own, *sorted(set(self._added()) - set(self.own)))

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._added()

    def __getitem__(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            ConfigError: there is none, several packages add one, or theirs can't be loaded.
        """
        if name in self.own:
            module, _, attribute = self.own[name].partition(":")
            entry = getattr(import_module(module), attribute)
        else:
            entry = self._load(name)
        if not isinstance(entry, self.kind):
            raise ConfigError(
                f"The {self.what} {name!r} is no {self.kind.__name__} but a {type(entry).__name__}; mend the "
                f"entry point in {self.group}."
            )
        return entry

    def _load(self, name: str) -> object:
        added = self._added().get(name, [])
        if not added:
            raise ConfigError(f"No {self.what} is called {name!r}; there are {', '.join(self.names())}.")
        if len(set(added)) > 1:
            raise ConfigError(
                f"Several packages add a {self.what} called {name!r} ({', '.join(added)}); keep one."
            )
        module, _, attribute = added[0].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:  # what a package does when it is imported is its own
            why = str(error) if isinstance(error, ImportError | AttributeError) else repr(error)
            raise ConfigError(
                f"The {self.what} {name!r} ({added[0]}) can't be loaded: {why}. Mend or remove its package."
            ) from error

    def _added(self) -> dict[str, list[str]]:
        """What packages add: name → "module:object" of each that does."""
        from importlib.metadata import entry_points  # takes longer than all of aulens' own

        added: dict[str, list[str]] = {}
        for point in entry_points(group=self.group):
            added.setdefault(point.name, []).append(point.value)
        return added
