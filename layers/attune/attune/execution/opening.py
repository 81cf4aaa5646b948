"""What a worker does just before it runs an attempt with secrets: it renders what the engine has left to it.

Not imported before the first secret comes by: it needs the template engine, which a worker starts without.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from attune.exceptions import AttuneError, TemplateError, Unavailable
from attune.execution.ports.key_values import KeyValueStore, Sealer, SecretStore
from attune.execution.ports.queues import TaskMessage
from attune.expressions import templates
from attune.expressions.key_values import KeyValues
from attune.model.masking import Masker
from attune.model.secrets import put_back, seal_of

NAMES = 1000
"""How many keys are looked at to find one that is near to a misspelt one."""

T = TypeVar("T")
_NOTHING: Final[Mapping[str, Any]] = {"templates": (), "scope": {}}


@dataclass(frozen=True, slots=True)
class Opened:
    """An input with all its secrets in it, and what must not be seen of it."""

    input: dict[str, Any]
    secrets: tuple[Any, ...]


class Opener:
    """Renders templates with secrets."""

    def __init__(self, secrets: SecretStore, values: KeyValueStore, sealer: Sealer) -> None:
        self._secrets, self._values, self._sealer = secrets, values, sealer

    def open(self, message: TaskMessage) -> Opened:
        """The whole input.

        Raises:
            TemplateError: a template cannot be rendered, or names a secret that is not there.
            Unavailable: a service did not answer; the attempt must come again.

        """
        found: list[Any] = []
        try:
            return Opened(self._whole(message, message.sealed or _NOTHING, found), tuple(found))
        except Unavailable:
            raise
        except AttuneError as error:
            # Masked, because a message may say what there is no key of.
            known, expression = Masker(found), error.details.get("expression", "")
            raise TemplateError(known.text(error.message), expression=expression, hint=error.hint) from None

    def _whole(self, message: TaskMessage, sealed: Mapping[str, Any], found: list[Any]) -> dict[str, Any]:
        whole = copy.deepcopy(dict(message.input))
        values = KeyValues(self._values.get, self._names, lambda name: self._noted(self._secrets.get(name), found))
        scope = {**sealed["scope"], "kv": values}
        parameters = sealed.get("parameters", "parameters")
        if parameters in scope:
            scope[parameters] = self._unsealed(scope[parameters], found)
        for path, source in sealed["templates"]:
            put_back(whole, tuple(path), self._noted(templates.render(source, scope), found))
        return whole

    def _noted(self, value: T, found: list[Any]) -> T:
        found.append(value)
        return value

    def _unsealed(self, value: Any, found: list[Any]) -> Any:
        text = seal_of(value)
        if text is not None:
            return self._noted(self._sealer.open(text), found)
        if isinstance(value, Mapping):
            return {key: self._unsealed(item, found) for key, item in value.items()}
        return value

    def _names(self) -> list[str]:
        return self._values.keys(limit=NAMES)[0]
