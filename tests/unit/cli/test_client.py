"""The client: what it asks again, what errors it makes of answers, and which connection it takes."""

import httpx
import pytest

from attune.cli import connection
from attune.cli.client import ATTEMPTS, Client
from attune.cli.connection import Connection
from attune.cli.receiver import receiving
from attune.exceptions import (
    Conflict,
    Forbidden,
    InvalidParameters,
    InvalidRequest,
    NotFound,
    Unauthorized,
    Unavailable,
)


def test_reading_is_tried_again_with_growing_pauses_when_the_server_is_busy(client, stack, slept):
    stack.on("GET", "/health", (503, {"message": "busy"}), (429, {"message": "slow down"}), {"status": "ok"})
    assert client.health() == {"status": "ok"}
    assert slept == [0.2, 0.4]


def test_in_the_end_a_busy_server_is_an_error(client, stack, slept):
    stack.on("GET", "/health", (500, {"error": "it broke", "code": "internal_error", "details": {}}))
    with pytest.raises(Unavailable, match="it broke"):
        client.health()
    assert len(stack.asked) == ATTEMPTS and slept == [0.2, 0.4, 0.8, 1.6]


def test_a_start_is_sent_once_unless_it_has_a_key(client, stack):
    stack.on("POST", "/workflows/t.w/execute", (503, {}), (202, {"id": "E1", "status": "requested", "existing": True}))
    with pytest.raises(Unavailable):
        client.start("t.w", {})
    assert len(stack.asked) == 1
    stack.on("POST", "/workflows/t.w/execute", (503, {}), (202, {"id": "E1", "status": "requested", "existing": True}))
    assert client.start("t.w", {}, "K")["existing"] is True


def test_a_connection_that_cannot_be_made_is_tried_again_then_one_sentence(slept):
    with receiving() as gone:
        pass
    url = gone.url.removesuffix("/summary")
    with Client(Connection(url, "t"), sleep=slept.append) as client, pytest.raises(Unavailable) as raised:
        client.control("E1", "cancel")
    assert len(slept) == ATTEMPTS - 1
    assert raised.value.message.startswith(f"cannot connect to {url}: ") and "attune local status" in raised.value.hint


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (404, {"error": "there is no execution 'X'", "code": "not_found", "details": {}}, NotFound, "no execution 'X'"),
        (409, {"error": "it has ended", "code": "conflict", "details": {"hint": "h"}}, Conflict, "it has ended"),
        (400, {"error": "bad", "code": "invalid_request", "details": {}}, InvalidRequest, "bad"),
        (403, {"error": "it asks ada", "code": "forbidden", "details": {}}, Forbidden, "it asks ada"),
        (418, b"<html>", InvalidRequest, "the server answered 418"),
    ],
)
def test_each_status_is_an_error_of_ours(client, stack, status, body, error, said):
    stack.on("POST", "/workflow-executions/E1/cancel", (status, body))
    with pytest.raises(error, match=said):
        client.control("E1", "cancel")


def test_wrong_parameters_are_listed_with_their_paths(attune, stack):
    errors = [{"path": "$.a", "message": "is odd"}, {"path": "$.b", "message": "is missing"}]
    body = {"error": "parameters of 't.w' are wrong", "code": "invalid_parameters", "details": {"errors": errors}}
    stack.on("POST", "/workflows/t.w/execute", (422, body))
    ended = attune("exec", "start", "t.w")
    assert ended.exit_code == 2
    assert "$.a: is odd" in ended.stderr and "$.b: is missing" in ended.stderr


def test_a_single_wrong_parameter_is_named_too(client, stack):
    errors = [{"path": "$.a", "message": "is odd"}]
    stack.on("POST", "/workflows/t.w/execute", (422, {"error": "wrong", "details": {"errors": errors}}))
    with pytest.raises(InvalidParameters) as raised:
        client.start("t.w", {})
    assert raised.value.errors == errors


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"data": null}'])
def test_an_answer_that_is_not_attunes_is_said_to_be(client, stack, body):
    stack.on("GET", "/health", (200, body))
    with pytest.raises(InvalidRequest, match="not Attune's"):
        client.health()


def test_an_unknown_token_is_a_sentence_and_a_hint(attune, monkeypatch):
    monkeypatch.setenv("ATTUNE_TOKEN", "other")
    ended = attune("exec", "ls")
    assert ended.exit_code == 2
    assert "the token is not known" in ended.stderr and "attune token create" in ended.stderr


def test_the_nearest_connection_file_is_used(attune, stack, tmp_path, monkeypatch):
    monkeypatch.delenv("ATTUNE_URL")
    monkeypatch.delenv("ATTUNE_TOKEN")
    path = connection.save(tmp_path, Connection(stack.url, "t0ken"))
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    stack.on("GET", "/workflow-executions", {"items": [], "cursor": None})
    assert attune("exec", "ls").exit_code == 0


def test_the_files_token_goes_to_no_other_url(tmp_path):
    connection.save(tmp_path, Connection("http://one", "secret"))
    assert connection.connection("http://one/", None, tmp_path) == Connection("http://one", "secret")
    assert connection.connection(None, "mine", tmp_path) == Connection("http://one", "mine")
    with pytest.raises(Unauthorized, match="no token for http://two"):
        connection.connection("http://two", None, tmp_path)


def test_a_new_connection_takes_the_place_of_the_old_one(tmp_path):
    connection.save(tmp_path, Connection("http://one", "1"))
    connection.save(tmp_path, Connection("http://two", "2"))
    assert connection.find(tmp_path) == Connection("http://two", "2")
    assert [path.name for path in (tmp_path / ".attune").iterdir()] == ["connection.json"]


@pytest.mark.parametrize(
    ("url", "text", "said"),
    [
        (None, None, "no stack to speak to"),
        (None, "{}", "not readable as a connection"),
        ("example.org", None, "'example.org' is not the URL"),
    ],
)
def test_without_a_usable_connection_there_is_a_sentence(tmp_path, url, text, said):
    if text is not None:
        connection.save(tmp_path, Connection("", "")).write_text(text)
    with pytest.raises(InvalidRequest, match=said):
        connection.connection(url, "t", tmp_path)


def test_the_receiver_keeps_what_is_posted_to_it():
    with receiving() as received:
        answer = httpx.post(received.url, json={"n": 1}, trust_env=False)
        assert (answer.status_code, answer.json()) == (200, {})
    assert received.bodies == [b'{"n":1}']
