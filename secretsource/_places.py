"""Where a name is looked for: what the configuration says about it, and what each resolver makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, get_args

from secretsource._chain import Ask, Link
from secretsource._masked import MaskedBytes, MaskedStr
from secretsource._nearest import nearest
from secretsource._record import Record
from secretsource._reference import check_name, is_reference, parse_reference, shown
from secretsource.errors import ConfigError, InvalidReference, ResolverError, SecretSourceError, is_ctrl_c
from secretsource.resolvers import Location, Resolver, is_local

__all__ = ["NameSettings", "Places", "References"]

References = Literal["anywhere", "config"]


class NameSettings(Record):
    """What the configuration says about one name.

    Attributes:
        references: Where it is placed, by resolver name, as complete references.
        ttl: Seconds for which its value is kept; `None` for the link's or the store's.
        required: Whether a check needs it to be there.
    """

    references: Mapping[str, str] = {}
    ttl: float | None = None
    required: bool = True


class Places:
    """The links of a chain, those that only references ask, and where single names are placed."""

    def __init__(
        self,
        chain: Iterable[Resolver | Link],
        *,
        others: Mapping[str, Callable[[], Link]],
        names: Mapping[str, NameSettings],
        references: References,
    ) -> None:
        """Take what `Store` is given.

        Raises:
            ConfigError: Two resolvers share a name, or *references* is no such policy.
        """
        if references not in get_args(References):
            raise ConfigError(
                f"references must be one of {', '.join(get_args(References))}, not {references!r}"
            )
        self.chain = tuple(item if isinstance(item, Link) else Link(item) for item in chain)
        self._links = _by_name(self.chain)
        self._others = dict(others)
        self._names = dict(names)
        self.references: References = references

    def asks(self, name: str, *, document: bool = False) -> list[Ask]:
        """Return which links are asked for *name*, and where each one looks; no I/O.

        Args:
            name: A name, or a reference, which asks one link only.
            document: A whole document is wanted.

        Raises:
            InvalidReference: It breaks the grammar, or is a reference where only names are allowed.
        """
        if isinstance(name, MaskedStr | MaskedBytes):
            raise InvalidReference("a masked value was given as a name; if it is one, pass its .reveal()")
        if is_reference(name):
            return [_located(self._link_for(name), name, document=document)]
        check_name(name)
        settings = self._names.get(name)
        placed: Mapping[str, str] = {} if settings is None else settings.references
        return [_located(link, placed.get(link.name, name), document=document) for link in self.chain]

    def ttl_of(self, name: str) -> float | None:
        """Return the ttl that the configuration gives to *name*, or `None`."""
        settings = self._names.get(name)
        return None if settings is None else settings.ttl

    def names(self) -> dict[str, bool]:
        """Return the names that the configuration tells of, and whether each one is required."""
        return {name: settings.required for name, settings in self._names.items()}

    def links(self) -> Iterator[Link]:
        """Return every link that has been built."""
        return iter(list(self._links.values()))

    def remote(self) -> list[str]:
        """Return the names of the links of the chain that are asked over a network."""
        return [link.name for link in self.chain if not is_local(link.resolver)]

    def _link_for(self, reference: str) -> Link:
        """Return the link that a reference asks, if references are allowed here."""
        if self.references == "config":
            raise InvalidReference(
                f"{shown(reference)} is a reference, and references = 'config' allows names alone here: "
                "place it in the configuration, in a table of [secrets]"
            )
        return self._named(reference)

    def _named(self, reference: str) -> Link:
        """Return the link whose resolver a reference names; build it if it stands outside the chain."""
        scheme = parse_reference(reference).scheme
        known = {*self._links, *self._others}
        name = "files" if scheme == "file" and "file" not in known else scheme
        if name not in known:
            near = nearest(scheme, known)
            raise InvalidReference(
                f"{shown(reference)}: no resolver is named {scheme!r} in the configuration; "
                f"put it into the chain or add [resolvers.{scheme}]"
                + (f"; {near}" if "did you" in near else "")
            )
        if name not in self._links:
            self._links.setdefault(name, self._others[name]())
        return self._links[name]


def _located(link: Link, name: str, *, document: bool) -> Ask:
    try:
        location = link.resolver.locate(name, document=document)
    except SecretSourceError:
        raise
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        said = f"raised {type(error).__name__}"
    else:
        if isinstance(location, Location):
            return Ask(link, location)
        said = f"returned {type(location).__name__}, which is no Location,"
    raise ResolverError(f"the resolver {said} in locate", resolver=link.name, name=name)


def _by_name(links: Iterable[Link]) -> dict[str, Link]:
    named: dict[str, Link] = {}
    for link in links:
        if link.name in named:
            raise ConfigError(f"two resolvers are named {link.name!r}; give one of them another name")
        named[link.name] = link
    return named
