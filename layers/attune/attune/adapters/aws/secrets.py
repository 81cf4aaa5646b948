"""Secrets on AWS: Secrets Manager for those with a name, KMS for secret parameters.

A value that was read is kept for :data:`KNOWN_FOR` seconds: a batch of attempts asks for it once, and so do the next
batches of a warm worker.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import ClientError

from attune.adapters.aws.cursors import bad_cursor, decode_cursor, encode_cursor
from attune.adapters.aws.failures import calling, code_of
from attune.exceptions import Conflict, InvalidRequest, NotFound, PayloadTooLarge
from attune.execution.ports.clock import Clock

KNOWN_FOR: Final = 30.0
"""Seconds for which a worker does not read a secret again: a new value is seen after that long at the latest."""
MAX_PLAIN: Final = 4096
"""Bytes that KMS encrypts at most."""

_PAGE = "secrets:"
"""How our cursors begin, so that nothing else is taken for a token of Secrets Manager."""


class _Known:
    """What has just been read."""

    def __init__(self, clock: Clock, read: Callable[[str], Any]) -> None:
        self._clock, self._read = clock, read
        self._found: dict[str, tuple[float, Any]] = {}

    def __call__(self, name: str) -> Any:
        now = self._clock.now()
        self._found = {key: row for key, row in self._found.items() if now - row[0] <= KNOWN_FOR}
        if name not in self._found:
            self._found[name] = now, self._read(name)
        return self._found[name][1]


class AwsSecrets:
    """Secrets whose names begin with ``prefix``; :class:`attune.execution.ports.key_values.SecretStore`."""

    def __init__(self, client: Any, prefix: str, clock: Clock) -> None:
        self._client, self._prefix = client, prefix
        self._known = _Known(clock, self._read)

    def get(self, name: str) -> str:
        """See the port."""
        return str(self._known(name))

    def _read(self, name: str) -> str:
        with _asking(name):
            answer = self._client.get_secret_value(SecretId=self._prefix + name)
        if "SecretString" not in answer:
            raise InvalidRequest(f"the secret '{name}' is binary; only text can be used")
        return str(answer["SecretString"])

    def put(self, name: str, value: str) -> bool:
        """See the port."""
        try:
            with _asking(name):
                self._client.put_secret_value(SecretId=self._prefix + name, SecretString=value)
        except NotFound:
            with _asking(name):
                self._client.create_secret(Name=self._prefix + name, SecretString=value)
            return True
        return False

    def delete(self, name: str) -> bool:
        """See the port. Without a window for recovery: AWS frees its name in a moment."""
        try:
            with _asking(name):  # deleting for good what is not there is no error to AWS
                self._client.describe_secret(SecretId=self._prefix + name)
                self._client.delete_secret(SecretId=self._prefix + name, ForceDeleteWithoutRecovery=True)
        except NotFound:
            return False
        return True

    def names(self, limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """See the port. Secrets Manager gives at most 100 at once, in the order in which they were made."""
        after = decode_cursor(cursor)
        if cursor and not after.startswith(_PAGE):
            raise bad_cursor()
        more = {"NextToken": after.removeprefix(_PAGE)} if cursor else {}
        with _asking("…"):
            answer = self._client.list_secrets(
                Filters=[{"Key": "name", "Values": [self._prefix]}], MaxResults=min(limit, 100), **more
            )
        found = (secret["Name"] for secret in answer["SecretList"])
        names = [name.removeprefix(self._prefix) for name in found if name.startswith(self._prefix)]
        following = answer.get("NextToken")
        return names, encode_cursor(f"{_PAGE}{following}") if following else None


@contextmanager
def _asking(name: str) -> Iterator[None]:
    """Turns Secrets Manager's errors into ours. Ours never repeat what was sent: it may be the secret."""
    try:
        with calling("Secrets Manager"):
            yield
    except ClientError as error:
        code = code_of(error)
        if code == "ResourceNotFoundException":
            raise NotFound(f"there is no secret '{name}'", hint=f"attune kv set --secret {name}") from None
        if code == "InvalidRequestException":
            hint = "restore it in Secrets Manager, or wait until it is gone"
            raise Conflict(f"the secret '{name}' is being deleted", hint=hint) from None
        if code == "InvalidNextTokenException":
            raise InvalidRequest("the cursor is not one of ours", hint="begin again without one") from None
        raise InvalidRequest(f"Secrets Manager refused the secret '{name}': {code}") from None


class KmsSealer:
    """Implements :class:`attune.execution.ports.key_values.Sealer`: encrypted under ``key``, bound to the execution.

    The text is ``<execution>/<ciphertext in base64>``. Whoever passes it on, to a sub-workflow, passes on for which
    execution it was made.
    """

    def __init__(self, client: Any, key: str, clock: Clock) -> None:
        self._client, self._key = client, key
        self._known = _Known(clock, self._decrypt)

    def seal(self, execution: str, value: Any) -> str:
        """See the port."""
        plain = json.dumps(value).encode()
        if len(plain) > MAX_PLAIN:
            hint = "store it with 'attune kv set --secret', and read it with kv.get_secret"
            raise PayloadTooLarge(f"a secret parameter has at most {MAX_PLAIN} bytes; this one has more", hint=hint)
        with calling("KMS"):
            answer = self._client.encrypt(KeyId=self._key, Plaintext=plain, EncryptionContext=_context(execution))
        return f"{execution}/{base64.b64encode(answer['CiphertextBlob']).decode()}"

    def open(self, text: str) -> Any:
        """See the port."""
        return self._known(text)

    def _decrypt(self, text: str) -> Any:
        execution, _, ciphertext = text.partition("/")
        try:
            with calling("KMS"):
                answer = self._client.decrypt(
                    CiphertextBlob=base64.b64decode(ciphertext),
                    KeyId=self._key,
                    EncryptionContext=_context(execution),
                )
        except (ClientError, ValueError) as error:
            code = code_of(error) if isinstance(error, ClientError) else "it is none"
            raise InvalidRequest(f"a secret parameter cannot be opened: {code}") from None
        return json.loads(answer["Plaintext"])


def _context(execution: str) -> dict[str, str]:
    return {"attune:execution": execution}
