"""Values and secrets by name."""

from __future__ import annotations

from typing import Any, Protocol


class KeyValueStore(Protocol):
    """Values that templates read with ``kv.get``: JSON under flat names, for all packs together."""

    def get(self, key: str) -> list[Any] | None:
        """The value in a list of its own (it may be null), None if there is none."""
        ...

    def put(self, key: str, value: Any) -> bool:
        """Set it; True if it is new. Raises PayloadTooLarge."""
        ...

    def delete(self, key: str) -> bool:
        """Remove it; False if there was none."""
        ...

    def keys(self, prefix: str = "", limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """A page of keys that begin so, sorted, and the cursor of the next one; raises InvalidRequest for a bad one."""
        ...


class SecretStore(Protocol):
    """Secrets by name. Only a worker reads them; nobody else can."""

    def get(self, name: str) -> str:
        """The secret; raises NotFound, and InvalidRequest for one that cannot be read."""
        ...

    def put(self, name: str, value: str) -> bool:
        """Set it; True if it is new."""
        ...

    def delete(self, name: str) -> bool:
        """Remove it for good; False if there was none."""
        ...

    def names(self, limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """A page of names, and the cursor of the next one."""
        ...


class Sealer(Protocol):
    """Turns the values of secret parameters into text that only a worker can open."""

    def seal(self, execution: str, value: Any) -> str:
        """The value, sealed for an execution; raises PayloadTooLarge."""
        ...

    def open(self, text: str) -> Any:
        """Inverse of :meth:`seal`; raises InvalidRequest for what cannot be opened."""
        ...
