"""The headers of one request of httpx or httpx2, with a secret among them that no copy has."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, MutableMapping, ValuesView
from typing import TYPE_CHECKING, Any, ClassVar, SupportsIndex

if TYPE_CHECKING:
    from secretsource.integrations._http_service import Carried

    class _Headers(MutableMapping[str, str]):
        """What the headers of both clients have."""

        def __init__(self, headers: Any) -> None: ...
        @property
        def raw(self) -> list[tuple[bytes, bytes]]: ...
        def multi_items(self) -> list[tuple[str, str]]: ...
        def get_list(self, key: str, split_commas: bool = False) -> list[str]: ...
else:
    _Headers = object

__all__ = ["Carrying", "Sending"]


class Carrying(_Headers):
    """Headers that carry a secret to where this request goes.

    Redirects, pickles and whoever keeps headers make copies of them. These do not have it, so that it is nowhere but
    on this one request. Whoever looks at these finds it, masked.
    """

    plain: ClassVar[type[Any]]
    """What a copy is: the client's own headers."""

    _carried: Carried | None = None

    def __init__(self, headers: Any, carried: Carried) -> None:
        super().__init__(headers)
        self.pop(carried.header, None)
        self._carried = carried

    @property
    def carried(self) -> Carried | None:
        """What is carried; `None` if somebody has put another value in its place, or taken it away."""
        return self._carried

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """All headers, as they are sent."""
        carried = self._carried
        return super().raw + ([] if carried is None else [(carried.header.encode(), carried.raw)])

    @property
    def _shown(self) -> list[tuple[str, str]]:
        return [] if self._carried is None else [(self._carried.header.lower(), self._carried.value)]

    def multi_items(self) -> list[tuple[str, str]]:
        """All headers, as text."""
        return super().multi_items() + self._shown

    def items(self) -> ItemsView[str, str]:
        """All headers, as text."""
        return {**dict(super().items()), **dict(self._shown)}.items()

    def keys(self) -> KeysView[str]:
        """The names of all headers."""
        return dict(self.items()).keys()

    def values(self) -> ValuesView[str]:
        """The values of all headers."""
        return dict(self.items()).values()

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        """The values of one header."""
        return [value for _, value in self._shown] if self._is(key) else super().get_list(key, split_commas)

    def __getitem__(self, key: str) -> str:
        return self._shown[0][1] if self._is(key) else super().__getitem__(key)

    def __setitem__(self, key: str, value: str) -> None:
        if self._is(key):
            self._carried = None
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        if self._is(key):
            self._carried = None
        else:
            super().__delitem__(key)

    def __contains__(self, key: object) -> bool:
        return self._is(key) or super().__contains__(key)

    def __len__(self) -> int:
        return super().__len__() + len(self._shown)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return self.plain, (super().raw,)

    def _is(self, key: object) -> bool:
        carried = self._carried
        return carried is not None and isinstance(key, str) and key.lower() == carried.header.lower()


class Sending:
    """A request that keeps what it carries where a copy of its headers is put in their place, as tracing does."""

    @property
    def headers(self) -> Any:
        """The headers."""
        return self.__dict__["headers"]

    @headers.setter
    def headers(self, headers: Any) -> None:
        before = self.__dict__.get("headers")
        if isinstance(before, Carrying) and before.carried is not None and not isinstance(headers, Carrying):
            carried = before.carried
            headers = headers if carried.header in headers else type(before)(headers, carried)
        self.__dict__["headers"] = headers
