"""The key-value store and the secrets of a small cloud in memory."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from attune.exceptions import InvalidRequest, NotFound


class MemoryKeyValueStore:
    """Implements :class:`attune.execution.ports.key_values.KeyValueStore`; has one page only."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.items = {key: json.dumps(value) for key, value in (values or {}).items()}

    def get(self, key: str) -> list[Any] | None:
        """See the port."""
        return [json.loads(self.items[key])] if key in self.items else None

    def put(self, key: str, value: Any) -> bool:
        """See the port."""
        new = key not in self.items
        self.items[key] = json.dumps(value)
        return new

    def delete(self, key: str) -> bool:
        """See the port."""
        return self.items.pop(key, None) is not None

    def keys(self, prefix: str = "", limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """See the port."""
        del limit, cursor
        return [key for key in sorted(self.items) if key.startswith(prefix)], None


class MemorySecrets:
    """Implements the ports SecretStore and Sealer. ``secrets`` and ``opened`` are all that holds a secret's text."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self.secrets = dict(secrets or {})
        self.opened: list[Any] = []

    def get(self, name: str) -> str:
        """See the port."""
        if name not in self.secrets:
            known = ", ".join(sorted(self.secrets)) or "none"
            raise NotFound(f"there is no secret '{name}'", hint=f"secrets that are given: {known}")
        return self.secrets[name]

    def put(self, name: str, value: str) -> bool:
        """See the port."""
        new = name not in self.secrets
        self.secrets[name] = value
        return new

    def delete(self, name: str) -> bool:
        """See the port."""
        return self.secrets.pop(name, None) is not None

    def names(self, limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """See the port."""
        del limit, cursor
        return sorted(self.secrets), None

    def seal(self, execution: str, value: Any) -> str:
        """See the port: the number under which the value is kept here."""
        self.opened.append(copy.deepcopy(value))
        return f"{execution}/{len(self.opened) - 1}"

    def open(self, text: str) -> Any:
        """See the port."""
        try:
            return copy.deepcopy(self.opened[int(text.rpartition("/")[2])])
        except (ValueError, IndexError):
            raise InvalidRequest("a secret parameter cannot be opened") from None
