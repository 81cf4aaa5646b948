"""Who asks for something, and what that somebody may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Permission(StrEnum):
    """To see, or to do something with, one kind of thing."""

    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_EXECUTE = "workflows:execute"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS_WRITE = "executions:write"
    INQUIRIES_READ = "inquiries:read"
    INQUIRIES_ANSWER = "inquiries:answer"
    PACKS_READ = "packs:read"
    PACKS_WRITE = "packs:write"
    VALUES_READ = "values:read"
    VALUES_WRITE = "values:write"
    SECRETS_READ = "secrets:read"
    """Their names; nobody reads a secret."""
    SECRETS_WRITE = "secrets:write"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"


class Role(StrEnum):
    """What a caller is to a stack."""

    ADMIN = "admin"


GRANTS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType({Role.ADMIN: frozenset(Permission)})
"""What each role may do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Somebody who asks: by ``name``, which is kept as who did what."""

    name: str
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """Whether one of the caller's roles grants it."""
        return any(permission in GRANTS[role] for role in self.roles)


ANONYMOUS: Final = Caller(name="anonymous", roles=frozenset())
"""Somebody without a token."""
