"""How a route is declared: with what it needs of its caller, and with the type of what it answers.

Nothing adds a route but the methods of :class:`Routes`, and these ask for the need. What a route answers is the return
annotation of its handler, ``Reply[T]`` or ``Accepted[T]``: mypy holds the handler to it, and the OpenAPI document
describes ``T``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args, get_origin

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from attune.api.reply import Reply
from attune.exceptions import Forbidden
from attune.execution.caller import Caller, Permission

Handler = TypeVar("Handler", bound=Callable[..., Reply[Any] | Response[str]])
Need = Permission | None
OPEN: Final = None
"""The need of an open route: none, and no token."""


class Endpoint:
    """A route's handler as Powertools calls it: takes its arguments, and gives what is sent."""

    def __init__(self, handle: Callable[..., Any], needs: Need) -> None:
        signature = inspect.signature(handle, eval_str=True)
        kind, inner = get_origin(signature.return_annotation), get_args(signature.return_annotation)
        has_envelope = isinstance(kind, type) and issubclass(kind, Reply)
        self.needs, self._handle = needs, handle
        self.status: int = kind.status if has_envelope else Reply.status
        """Of a good answer."""
        self.data: Any = inner[0] if has_envelope else None
        """The type of ``data`` in a good answer; None if there is no envelope around it."""
        self.__name__ = handle.__name__
        # Powertools reads the parameters from here. What is answered is not for it to check: its type is.
        self.__signature__ = signature.replace(return_annotation=Any)

    def __call__(self, **arguments: Any) -> Any:
        """Answer a request."""
        answer = self._handle(**arguments)
        return answer.sent() if isinstance(answer, Reply) else answer

    def check(self, caller: Caller) -> None:
        """Raises Forbidden unless this caller may ask."""
        if self.needs is not OPEN and not caller.may(self.needs):
            message = f"'{caller.name}' may not do this: it needs {self.needs}"
            raise Forbidden(message, needs=str(self.needs))


class Routes:
    """The routes of one part of the API."""

    def __init__(self, tag: str) -> None:
        """``tag`` is the heading under which the OpenAPI document has them."""
        self._tag = tag
        self.router = APIGatewayHttpRouter()
        self.endpoints: dict[tuple[str, str], Endpoint] = {}
        """By method and path."""

    @property
    def caller(self) -> Caller:
        """Who asks now."""
        caller: Caller = self.router.context["caller"]
        return caller

    def get(self, path: str, *, needs: Need, summary: str) -> Callable[[Handler], Handler]:
        """Add a route that reads."""
        return self._add("GET", path, needs, summary)

    def post(self, path: str, *, needs: Need, summary: str) -> Callable[[Handler], Handler]:
        """Add a route that does something."""
        return self._add("POST", path, needs, summary)

    def put(self, path: str, *, needs: Need, summary: str) -> Callable[[Handler], Handler]:
        """Add a route that makes or replaces something."""
        return self._add("PUT", path, needs, summary)

    def delete(self, path: str, *, needs: Need, summary: str) -> Callable[[Handler], Handler]:
        """Add a route that removes something."""
        return self._add("DELETE", path, needs, summary)

    def _add(self, method: str, path: str, needs: Need, summary: str) -> Callable[[Handler], Handler]:
        def register(handle: Handler) -> Handler:
            endpoint = self.endpoints[method, path] = Endpoint(handle, needs)
            self.router.route(path, method, summary=summary, tags=[self._tag])(endpoint)
            return handle

        return register
