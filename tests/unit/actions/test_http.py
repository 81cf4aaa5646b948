"""The http pack and declarative http actions, against a server on loopback."""

import base64
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from tests.shipped import PACKS, pack_action

from attune.actions.attempt import Attempt, OutcomeStatus
from attune.actions.errors import QUOTED_LIMIT
from attune.actions.runner import ActionRunner
from attune.model.action import ActionSpec, Runner
from attune.model.masking import Masker


class Handler(BaseHTTPRequestHandler):
    """Says what it was asked, or misbehaves by path."""

    def answer(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        routes = {"status": self.status, "slow": self.slow, "big": self.big, "redirect": self.redirect}
        name, _, rest = url.path.strip("/").partition("/")
        if name in routes:
            return routes[name](rest)
        if name == "text":
            return self.reply(200, "grüße".encode("latin-1"), "text/plain; charset=latin-1")
        if name == "raw":
            return self.reply(200, base64.b64decode(body), parse_qs(url.query)["type"][0])
        seen = {"method": self.command, "path": url.path, "query": parse_qs(url.query), "body": body}
        seen["headers"] = {name.lower(): value for name, value in self.headers.items()}
        return self.reply(200, json.dumps(seen).encode(), "application/json; charset=utf-8")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - names that http.server asks for

    def status(self, code):
        self.reply(int(code), b'{"why": "because"}', "application/json")

    def slow(self, _rest):
        self.server.release.wait(20)

    def big(self, _rest):
        self.reply(200, b"x" * 53_000_000, "text/plain")

    def redirect(self, _rest):
        self.reply(302, b"", "text/plain", {"Location": "/landed"})

    def reply(self, code, body, kind, headers=None):
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Says nothing."""


@pytest.fixture(scope="module")
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    httpd.release = threading.Event()
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.release.set()
    httpd.shutdown()
    httpd.server_close()


def outcome_of(action, given, config=None, secrets=()):
    attempt = Attempt(
        execution_id="exec-1",
        workflow="w.x",
        task="t",
        index=None,
        visit=1,
        number=1,
        action=action,
        input=given,
        timeout=20,
        pack_config=config or {},
        mask=Masker(secrets),
    )
    ((_, outcome),) = ActionRunner(PACKS).run([attempt], deadline=time.monotonic() + 30)
    return outcome


def run(ref, **given):
    outcome = outcome_of(pack_action(ref), given)
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.error
    return outcome.result


def error(ref, **given):
    outcome = outcome_of(pack_action(ref), given)
    assert outcome.status is OutcomeStatus.FAILED
    return outcome.error


def test_get_returns_status_headers_parsed_body_and_time(server):
    answer = run("http.get", url=f"{server}/a?x=1", params={"y": [2, 3], "none": None}, headers={"X-Mine": "1"})
    assert answer["status"] == 200 and answer["headers"]["content-type"].startswith("application/json")
    assert answer["body"]["query"] == {"x": ["1"], "y": ["2", "3"]}
    assert answer["body"]["headers"]["x-mine"] == "1"
    assert 0 < answer["elapsed"] < 10


@pytest.mark.parametrize("name", ["post", "put", "delete"])
def test_json_is_sent_as_json(server, name):
    seen = run(f"http.{name}", url=f"{server}/a", json={"ü": [1, None]})["body"]
    assert seen["method"] == name.upper() and json.loads(seen["body"]) == {"ü": [1, None]}
    assert seen["headers"]["content-type"] == "application/json"


def test_any_method_and_a_plain_body(server):
    seen = run("http.request", method="PATCH", url=f"{server}/a", body="grüße", headers={"Content-Type": "text/x"})
    assert seen["body"]["method"] == "PATCH" and seen["body"]["body"] == "grüße"
    assert seen["body"]["headers"]["content-type"] == "text/x"


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"token": "t0k"}, "Bearer t0k"),
        ({"username": "me", "password": "pw"}, "Basic " + base64.b64encode(b"me:pw").decode()),
    ],
)
def test_authorization(server, auth, header):
    assert run("http.get", url=f"{server}/a", auth=auth)["body"]["headers"]["authorization"] == header


def test_text_is_decoded_by_its_charset_and_broken_json_stays_text(server):
    assert run("http.get", url=f"{server}/text")["body"] == "grüße"


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (400, False), (429, True), (500, True), (503, True)])
@pytest.mark.parametrize("name", ["get", "post"])
def test_an_unexpected_status_is_retryable_only_if_it_may_change(server, name, status, retryable):
    found = error(f"http.{name}", url=f"{server}/status/{status}")
    assert (found["type"], found["retryable"]) == ("unexpected_status", retryable)
    assert found["details"] == {"status": status, "body": '{"why": "because"}'}
    assert f"answered {status}, expected 2xx" in found["message"]


def test_a_secret_in_an_unexpected_body_is_masked_before_the_body_is_cut(server):
    """Of a part of a secret nobody would know that it is one."""
    secret = "5ecr3t-" * 20
    pad = 10
    while True:
        given = {"url": f"{server}/a", "body": "." * pad + secret + "." * 4000, "expected_status": 404}
        outcome = outcome_of(pack_action("http.post"), given, secrets=[secret])
        body = outcome.error["details"]["body"]
        assert len(body) == QUOTED_LIMIT
        assert "5ecr3t" not in body
        if "***" not in body:  # the secret is beyond what is kept
            break
        pad += 100
    assert pad > 1000


@pytest.mark.parametrize("expected", [404, [200, 404]])
def test_what_is_expected_may_be_said(server, expected):
    assert run("http.get", url=f"{server}/status/404", expected_status=expected)["status"] == 404
    assert error("http.get", url=f"{server}/status/201", expected_status=expected)["type"] == "unexpected_status"


def test_redirects_are_followed_unless_told_otherwise(server):
    assert run("http.get", url=f"{server}/redirect")["body"]["path"] == "/landed"
    assert run("http.get", url=f"{server}/redirect", follow_redirects=False, expected_status=302)["status"] == 302


def test_a_server_that_does_not_answer_is_a_timeout(server):
    found = error("http.get", url=f"{server}/slow", timeout=0.3)
    assert found["type"] == "timeout" and "0.3 s" in found["message"] and found["retryable"]


def test_a_closed_port_is_a_connection_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    found = error("http.get", url=f"http://127.0.0.1:{port}/")
    assert found["type"] == "connection_error" and found["retryable"]


def test_a_response_that_is_too_large_is_cut_off(server):
    assert error("http.get", url=f"{server}/big")["type"] == "result_too_large"


@pytest.mark.parametrize(
    "given",
    [
        {"url": "ftp://x"},
        {"url": "http://x", "expected_status": "200"},
        {"url": "http://x", "auth": {"username": "me"}},
        {"url": "http://x", "timeout": 0},
        {"url": "http://x", "colour": "red"},
        {"url": "http://x", "body": "a", "json": 1},
        {},
    ],
)
def test_wrong_input_is_refused_before_anything_is_sent(given):
    found = error("http.post", **given)
    assert found["type"] == "invalid_input" and not found["retryable"]


def test_a_url_that_is_none_is_an_invalid_request():
    assert error("http.get", url="http://host:port/")["type"] == "invalid_request"


# runner_type: http


def declared(entry_point):
    return ActionSpec("shop.order", "shop", runner=Runner.HTTP, entry_point=entry_point)


def test_parameters_fill_the_path_and_the_query_of_a_get(server):
    action = declared("GET {config.base_url}/orders/{id}?fixed=1")
    outcome = outcome_of(action, {"id": "a/b ü", "limit": 5}, {"base_url": server})
    assert outcome.error is None
    assert outcome.result["body"]["path"] == "/orders/a%2Fb%20%C3%BC"
    assert outcome.result["body"]["query"] == {"fixed": ["1"], "limit": ["5"]}


def test_parameters_left_over_are_the_json_body_of_a_post(server):
    outcome = outcome_of(declared(f"POST {server}/orders/{{id}}"), {"id": 7, "sku": "T", "count": 2})
    seen = outcome.result["body"]
    assert seen["path"] == "/orders/7" and json.loads(seen["body"]) == {"sku": "T", "count": 2}


def test_a_placeholder_without_a_value_is_invalid_input(server):
    outcome = outcome_of(declared(f"GET {server}/orders/{{id}}"), {})
    assert outcome.error["type"] == "invalid_input" and "{id}" in outcome.error["message"]


def raw(server, body, kind):
    """What becomes of an answer with this body and content type."""
    return run("http.post", url=f"{server}/raw?type={quote(kind)}", body=base64.b64encode(body).decode())["body"]


@pytest.mark.parametrize(
    "body",
    ["{oops", "NaN", '{"a": Infinity}', "1e999", '"\\ud800"', 200 * "[" + 200 * "]", 200_000 * "[", "9" * 5000, ""],
    ids=lambda body: body[:20],
)
def test_what_says_that_it_is_json_and_can_be_no_result_is_text(server, body):
    assert raw(server, body.encode(), "application/json") == body


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON; Charset=UTF-8",
        "text/json",
        "application/problem+json",
        "application/json;",
    ],
)
def test_json_is_parsed_however_its_type_is_written_with_a_byte_order_mark_too(server, kind):
    assert raw(server, b'{"a": 1.5}', kind) == raw(server, b'\xef\xbb\xbf{"a": 1.5}', kind) == {"a": 1.5}


@pytest.mark.parametrize("kind", ["application/jsonp", "text/plain", "application/x-ndjson", "application/json-seq"])
def test_what_only_sounds_like_json_is_text(server, kind):
    assert raw(server, b"5", kind) == "5"


@pytest.mark.parametrize("charset", ["no-such", "base64", "undefined", "rot13", "zip", "idna", "utf-8"])
def test_text_in_an_encoding_that_is_none_is_read_as_utf_8_what_does_not_fit_replaced(server, charset):
    assert raw(server, "ü".encode() + b"\xff", f"text/plain; charset={charset}") == "ü\ufffd"


@pytest.mark.parametrize("headers", [{"a b": "1"}, {"": "1"}, {"a": "1\r\nb: 2"}, {"a:": "1"}, {"ä": "1"}, {"a": "\0"}])
def test_an_illegal_header_is_no_matter_of_the_connection(server, headers):
    found = error("http.get", url=f"{server}/a", headers=headers)
    assert (found["type"], found["retryable"]) == ("invalid_request", False)


def test_nulls_in_a_query_are_left_out_in_lists_too(server):
    query = run("http.get", url=f"{server}/a", params={"x": [1, None, True], "y": None, "z": []})["body"]["query"]
    assert query == {"x": ["1", "true"]}


@pytest.mark.parametrize("value", [{"b": 1}, [{"b": 1}], [[1]], {}])
def test_what_is_nested_in_a_query_is_invalid_input(server, value):
    found = error("http.get", url=f"{server}/a", params={"a": value})
    assert (found["type"], found["retryable"]) == ("invalid_input", False) and "'a'" in found["message"]
