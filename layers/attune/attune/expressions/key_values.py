"""``kv`` in templates: values and secrets that are kept beside the workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NoReturn

from attune.expressions.sandbox import template_function
from attune.expressions.values import ABSENT, Missing, kind, refuse

ONLY_IN_INPUT: Final = "kv.get_secret works only in the input of a task that a worker runs"


def no_secrets(key: str) -> NoReturn:
    """What ``kv.get_secret`` does where nobody may know a secret."""
    del key
    refuse(ONLY_IN_INPUT)


class KeyValues:
    """The object ``kv``.

    Args:
        find: The value of a key in a list of its own, None if there is none.
        names: Some keys that there are; asked for only to say what is near to one that is not there.
        secret: The secret of a name.

    """

    def __init__(
        self,
        find: Callable[[str], list[Any] | None],
        names: Callable[[], Iterable[str]],
        secret: Callable[[str], str] = no_secrets,
    ) -> None:
        self._find, self._names, self._secret = find, _Late(names), secret

    @template_function
    def get(self, key: Any, default: Any = ABSENT) -> Any:
        """The value of a key; without a default, one that is not there is undefined."""
        found = self._find(_text(key, "kv.get"))
        if found is not None:
            return found[0]
        if default is not ABSENT:
            return default
        reason = "there is no such key in the key-value store"
        return Missing(name=f"kv.get({key!r})", reason=reason, key=key, known=self._names)

    @template_function
    def get_secret(self, key: Any) -> str:
        """The secret of this name."""
        return self._secret(_text(key, "kv.get_secret"))


def _text(key: Any, function: str) -> str:
    return key if isinstance(key, str) else refuse(f"the key of {function} must be text, not {kind(key)}")


class _Late:
    """An iterable that is looked for when somebody goes through it."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())
