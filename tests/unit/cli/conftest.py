"""A small HTTP server that answers as the API of a deployed stack does, and what speaks to it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from attune.cli.client import Client
from attune.cli.connection import Connection
from attune.cli.main import app

API = "/api/v1"


class Stack:
    """Answers each request with the next of its route's answers, the last one for ever; keeps what was asked."""

    def __init__(self):
        self.routes, self.asked = {}, []
        stack = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                stack.answer(self)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 (http.server's names)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def on(self, method, path, *answers):
        self.routes[method, API + path] = [answer if isinstance(answer, tuple) else (200, answer) for answer in answers]

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        url = urlsplit(handler.path)
        self.asked.append((handler.command, url.path.removeprefix(API), url.query, json.loads(body) if body else None))
        answers = self.routes.get((handler.command, url.path))
        status, data = (404, None) if not answers else answers.pop(0) if len(answers) > 1 else answers[0]
        if handler.headers["authorization"] != "Bearer t0ken":
            status, data = 401, {"error": "the token is not known", "code": "unauthorized", "details": {}}
        elif status == 404 and data is None:
            data = {"error": f"no {url.path}", "code": "not_found", "details": {}}
        elif status < 300 and not isinstance(data, bytes):
            data = {"data": data, "message": "ok"}
        text = data if isinstance(data, bytes) else json.dumps(data).encode()
        handler.send_response(status)
        handler.send_header("content-length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)


@pytest.fixture
def stack():
    made = Stack()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def client(stack, slept):
    with Client(Connection(stack.url, "t0ken"), sleep=slept.append) as made:
        yield made


@pytest.fixture
def attune(stack, tmp_path, monkeypatch):
    """Run the command in an empty folder, connected to the stack."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTUNE_URL", stack.url)
    monkeypatch.setenv("ATTUNE_TOKEN", "t0ken")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def execution(status="completed", execution_id="E1", **more):
    ended = "2026-01-01T00:00:02.500+00:00" if status == "completed" else None
    base = {"id": execution_id, "workflow": "t.w", "workflow_version": 3, "status": status, "parameters": {"n": 1}}
    base |= {"output": {"ok": True}, "error": None, "trigger": {"type": "api"}, "identity": "me", "parent": None}
    base |= {"created_at": "2026-01-01T00:00:00.000+00:00", "updated_at": ended, "ended_at": ended}
    return base | {"duration": 2.5 if ended else None, "tasks": {"completed": 1}} | more


def node(status="completed", name="a"):
    return {"name": name, "action": "core.echo", "type": "python", "status": status, "visits": 1, "items": None}


def attempt(status="completed", child=None, task="a"):
    times = {"started_at": "2026-01-01T00:00:01.000+00:00", "ended_at": "2026-01-01T00:00:02.000+00:00"}
    base = {"task": task, "visit": 1, "index": None, "attempt": 1, "status": status, "error": None, "child": child}
    return base | times


def has_execution(stack, *statuses, execution_id="E1", attempts=None, **more):
    path = f"/workflow-executions/{execution_id}"
    stack.on("GET", path, *(execution(status, execution_id, **more) for status in statuses))
    stack.on("GET", f"{path}/graph", *({"nodes": [node(_task(status))], "edges": []} for status in statuses))
    stack.on("GET", f"{path}/tasks", {"items": attempts or [attempt()], "cursor": None})


def _task(status):
    return status if status in ("completed", "failed") else "running"
