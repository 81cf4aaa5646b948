"""What the routes work with."""

from __future__ import annotations

from dataclasses import dataclass

from attune.execution.catalog_queries import CatalogReader
from attune.execution.control import Control
from attune.execution.doctor import Doctor
from attune.execution.execution_start import Starter
from attune.execution.inquiries import Inquiries
from attune.execution.kept_dead_letters import KeptDeadLetters
from attune.execution.ports.directory import Directory
from attune.execution.queries import Reader
from attune.execution.retrier import ExecutionRetrier
from attune.execution.stored_values import StoredSecrets, StoredValues
from attune.handlers.checkup import Checkup
from attune.handlers.redrive import Redriver
from attune.packs.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class Operations:
    """For executions that stand still, and for the stack as a whole."""

    doctor: Doctor
    dead_letters: KeptDeadLetters
    redriver: Redriver
    checkup: Checkup


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Made by wiring, once per process."""

    starter: Starter
    reader: Reader
    control: Control
    retrier: ExecutionRetrier
    inquiries: Inquiries
    registry: Registry
    catalog: CatalogReader
    directory: Directory
    values: StoredValues
    secrets: StoredSecrets
    operations: Operations
