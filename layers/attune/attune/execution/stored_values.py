"""Values and secrets, as people keep them: secrets can be set and removed, never read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attune.exceptions import NotFound
from attune.execution.answers import PageOf
from attune.execution.ports.key_values import KeyValueStore, SecretStore


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredValue:
    """A value: any JSON."""

    key: str
    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueSet:
    """A value was set; ``created`` says whether it is new."""

    key: str
    created: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueRemoved:
    """A value was removed."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretSet:
    """A secret was set; ``created`` says whether it is new."""

    name: str
    created: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretRemoved:
    """A secret was removed."""

    name: str


class StoredValues:
    """Lists, reads, sets and removes values."""

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store

    def keys(self, prefix: str, limit: int, cursor: str) -> PageOf[str]:
        """A page of the keys that begin so, sorted; raises InvalidRequest for a cursor that is none of ours."""
        keys, following = self._store.keys(prefix, limit, cursor)
        return PageOf(items=tuple(keys), cursor=following)

    def get(self, key: str) -> StoredValue:
        """A value; raises NotFound."""
        found = self._store.get(key)
        if found is None:
            raise _no_key(key)
        return StoredValue(key=key, value=found[0])

    def put(self, key: str, value: Any) -> ValueSet:
        """Set a value; raises PayloadTooLarge."""
        return ValueSet(key=key, created=self._store.put(key, value))

    def remove(self, key: str) -> ValueRemoved:
        """Remove a value; raises NotFound."""
        if not self._store.delete(key):
            raise _no_key(key)
        return ValueRemoved(key=key)


class StoredSecrets:
    """Lists, sets and removes secrets."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    def names(self, limit: int, cursor: str) -> PageOf[str]:
        """A page of names; raises InvalidRequest for a cursor that is none of ours."""
        names, following = self._store.names(limit, cursor)
        return PageOf(items=tuple(names), cursor=following)

    def put(self, name: str, value: str) -> SecretSet:
        """Set a secret."""
        return SecretSet(name=name, created=self._store.put(name, value))

    def remove(self, name: str) -> SecretRemoved:
        """Remove a secret for good; raises NotFound."""
        if not self._store.delete(name):
            raise NotFound(f"there is no secret '{name}'", secret=name)
        return SecretRemoved(name=name)


def _no_key(key: str) -> NotFound:
    return NotFound(f"there is no key '{key}' in the key-value store", key=key)
