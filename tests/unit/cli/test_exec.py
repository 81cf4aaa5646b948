"""The commands that speak to a deployed stack."""

import json

import pytest
from tests.unit.cli.conftest import attempt, execution, has_execution, node

from attune.cli.deployed import Watcher


def test_start_gives_parameters_by_the_workflows_schema_and_the_key(attune, stack):
    stack.on("GET", "/workflows/t.w", {"ref": "t.w", "parameters": {"properties": {"name": {"type": "string"}}}})
    stack.on("POST", "/workflows/t.w/execute", (202, {"id": "E1", "status": "requested", "existing": False}))
    ended = attune("exec", "start", "t.w", "-p", "name=5", "-p", "n=5", "--idempotency-key", "K")
    assert (ended.exit_code, ended.stdout) == (0, "started: E1\n")
    body = {"parameters": {"name": "5", "n": 5}, "idempotency_key": "K"}
    assert stack.asked[-1] == ("POST", "/workflows/t.w/execute", "", body)


def test_start_with_watch_follows_to_the_end_and_exits_by_it(attune, stack):
    stack.on("POST", "/workflows/t.w/execute", (202, {"id": "E1", "status": "requested", "existing": False}))
    has_execution(stack, "failed", error={"type": "boom", "message": "no"}, ended_at="2026-01-01T00:00:02+00:00")
    ended = attune("exec", "start", "t.w", "--watch")
    assert ended.exit_code == 1
    assert "✗ t.w failed in 2.0s" in ended.stdout and "boom: no" in ended.stdout


def test_start_with_watch_and_json_is_one_document(attune, stack):
    stack.on("POST", "/workflows/t.w/execute", (202, {"id": "E1", "status": "requested", "existing": True}))
    has_execution(stack, "completed")
    ended = attune("exec", "start", "t.w", "-w", "--json")
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["attempts"][0]["task"] == "a"


def test_retry_says_what_to_go_on_with(attune, stack):
    has_execution(stack, "failed")
    stack.on("GET", "/workflows/t.w", {"ref": "t.w", "parameters": {"properties": {"name": {"type": "string"}}}})
    stack.on("POST", "/workflow-executions/E1/retry", (202, {"id": "E1", "retry": 1, "existing": False}))
    ended = attune("exec", "retry", "E1", "--from", "a", "--from", "b", "--version", "7", "-p", "name=5")
    assert (ended.exit_code, ended.stdout) == (0, "retry requested: E1\n")
    body = {"from": ["a", "b"], "workflow_version": 7, "parameters": {"name": "5"}}
    assert stack.asked[-1] == ("POST", "/workflow-executions/E1/retry", "", body)
    attune("exec", "retry", "E1", "--version", "latest", "--idempotency-key", "K")
    assert stack.asked[-1][3] == {"workflow_version": "latest", "idempotency_key": "K"}
    assert attune("exec", "retry", "E1", "--version", "newest").exit_code == 2


def test_retry_with_watch_waits_until_it_has_begun(attune, stack):
    stack.on("POST", "/workflow-executions/E1/retry", (202, {"id": "E1", "retry": 2, "existing": False}))
    has_execution(stack, "completed", retries=[{}, {}])
    assert attune("exec", "retry", "E1", "--watch").exit_code == 0


def test_a_watcher_of_a_retry_looks_until_it_is_there(client, stack, slept):
    path = "/workflow-executions/E1"
    stack.on("GET", path, execution("failed", retries=[{}]), execution("running", retries=[{}, {}]))
    Watcher(client, sleep=slept.append).await_retry("E1", 2)
    assert len(slept) == 1


def test_ls_filters_and_pages(attune, stack):
    stack.on("GET", "/workflow-executions", {"items": [execution()], "cursor": "next"})
    ended = attune("exec", "ls", "--status", "completed", "--workflow", "t.w", "--limit", "7", "--cursor", "here")
    assert stack.asked[-1][2] == "status=completed&workflow=t.w&limit=7&cursor=here"
    header, row = ended.stdout.splitlines()
    assert header.split() == ["ID", "WORKFLOW", "STATUS", "CREATED", "DURATION"]
    assert row.startswith("E1  t.w       ✓ completed") and row.rstrip().endswith("2.5s")
    assert "--cursor next" in ended.stderr


def test_ls_as_json_is_the_page(attune, stack):
    stack.on("GET", "/workflow-executions", {"items": [], "cursor": None})
    assert json.loads(attune("exec", "ls", "--json").stdout) == {"items": [], "cursor": None}
    assert attune("exec", "ls").stdout == "no executions\n"


def test_get_shows_the_execution_and_with_tasks_its_tree(attune, stack):
    has_execution(stack, "completed")
    assert "1 completed" in attune("exec", "get", "E1").stdout
    assert [path for _, path, _, _ in stack.asked] == ["/workflow-executions/E1"]
    with_tasks = attune("exec", "get", "E1", "--tasks").stdout
    assert "✓ a  completed" in with_tasks and "timeline" in with_tasks
    assert json.loads(attune("exec", "get", "E1", "--json").stdout) == execution()


def test_watch_ends_with_the_execution(attune, stack):
    has_execution(stack, "running", "completed")
    ended = attune("exec", "watch", "E1")
    assert ended.exit_code == 0
    assert ended.stdout.count("✓ a completed after 1.0s") == 1


def test_a_watcher_looks_until_the_end_and_shows_every_view(client, stack, slept):
    has_execution(stack, "requested", "running", "completed")
    shown = []
    view = Watcher(client, sleep=slept.append).watch("E1", shown.append)
    assert [str(each.status) for each in shown] == ["requested", "running", "completed"]
    assert view is shown[-1] and len(slept) == 2 and min(slept) >= 0.3


def test_sub_workflows_are_read_with_their_parent_and_no_more_once_they_have_ended(client, stack, slept):
    has_execution(stack, "running", "running", "completed", attempts=[attempt(child="E2")])
    has_execution(stack, "completed", execution_id="E2")
    view = Watcher(client, sleep=slept.append).watch("E1", lambda _: None)
    assert view.children["E2"].nodes == [node()]
    assert view.document()["children"]["E2"]["id"] == "E2"
    assert sum(path == "/workflow-executions/E2" for _, path, _, _ in stack.asked) == 1


def test_tasks_are_read_page_by_page(client, stack):
    pages = [{"items": [attempt()], "cursor": "two"}, {"items": [attempt(task="b")], "cursor": None}]
    stack.on("GET", "/workflow-executions/E1/tasks", *pages)
    assert [row["task"] for row in client.attempts("E1")] == ["a", "b"]
    assert stack.asked[-1][2] == "limit=200&cursor=two"


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_control_asks_for_it(attune, stack, verb):
    stack.on("POST", f"/workflow-executions/E1/{verb}", (202, {"id": "E1", "status": "running"}))
    reason = [] if verb == "resume" else ["--reason", "why not"]
    ended = attune("exec", verb, "E1", *reason)
    assert (ended.exit_code, ended.stdout) == (0, f"{verb} requested: E1\n")
    assert stack.asked[-1][3] == ({"reason": "why not"} if reason else {})


def inquiry(**more):
    schema = {"type": "object", "properties": {"approved": {"type": "boolean"}, "n": {"type": "integer"}}}
    base = {"id": "E1.ask.1.-.1", "execution": "E1", "task": "ask", "prompt": "Go on?", "assignees": ["ada"]}
    base |= {"asked_at": "2026-01-01T00:00:00+00:00", "times_out_at": None, "closed": None}
    return base | {"schema": {**schema, "required": ["approved"]}} | more


def test_open_inquiries_are_listed_and_one_is_shown(attune, stack):
    stack.on("GET", "/inquiries", {"items": [inquiry(), inquiry(assignees=[])], "cursor": "next"})
    ended = attune("inquiry", "ls", "--assignee", "ada", "--limit", "7")
    assert stack.asked[-1][2] == "assignee=ada&limit=7"
    _, first, second = ended.stdout.splitlines()
    assert first.startswith("E1.ask.1.-.1  ask   ada") and first.rstrip().endswith("Go on?")
    assert "anybody" in second and "--cursor next" in ended.stderr
    stack.on("GET", "/inquiries/E1.ask.1.-.1", inquiry(closed="answered by ada"))
    shown = attune("inquiry", "show", "E1.ask.1.-.1").stdout
    assert "answered by ada" in shown and '"approved"' in shown
    stack.on("GET", "/inquiries", {"items": [], "cursor": None})
    assert attune("inquiry", "ls").stdout == "no open inquiries\n"


@pytest.mark.parametrize(
    ("words", "response"),
    [
        (["--response", '{"approved": true}'], {"approved": True}),
        (["--response", '"yes"'], "yes"),
        (["-r", "approved=yes", "-r", "n=5"], {"approved": True, "n": 5}),
    ],
)
def test_an_answer_is_sent_as_json_or_by_the_inquirys_schema(attune, stack, words, response):
    stack.on("GET", "/inquiries/E1.ask.1.-.1", inquiry())
    stack.on("POST", "/inquiries/E1.ask.1.-.1/answer", (202, {"id": "E1.ask.1.-.1"}))
    ended = attune("inquiry", "answer", "E1.ask.1.-.1", *words)
    assert (ended.exit_code, ended.stdout) == (0, "answered: E1.ask.1.-.1\n")
    assert stack.asked[-1][3] == {"response": response}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--response", "{}"], (409, {"error": "it is no longer open", "code": "conflict"}), "it is no longer open"),
        (["--response", "{}"], (403, {"error": "it asks ada", "code": "forbidden"}), "it asks ada"),
        (["-r", "approved=yes"], (202, {}), "no longer open: answered by ada"),
        (["--response", "{"], (202, {}), "the response is not JSON"),
        (["--response", "1", "-r", "a=1"], (202, {}), "not both"),
        ([], (202, {}), "there is no answer"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(attune, stack, words, status, said):
    stack.on("GET", "/inquiries/I", inquiry(id="I", closed="answered by ada"))
    stack.on("POST", "/inquiries/I/answer", status)
    ended = attune("inquiry", "answer", "I", *words)
    assert ended.exit_code == 2 and said in ended.stderr and ended.stdout == ""


def test_packs_are_listed_synced_and_validated(attune, stack):
    stack.on("GET", "/packs", {"items": [{"ref": "core", "label": "Core", "version": "1.0"}]})
    result = {
        "pack_ref": "core",
        "loaded_count": 2,
        "registered_count": 1,
        "workflows": [],
        "errors": ["w.yaml:1:1: no"],
    }
    stack.on("POST", "/packs/core/workflows/sync", result)
    stack.on("POST", "/packs/sync", {"packs": [{**result, "errors": []}]})
    wrong = {"pack_ref": "core", "validated_count": 2, "error_count": 1, "errors": {"core.w": ["it is wrong"]}}
    stack.on("POST", "/packs/core/workflows/validate", wrong)
    assert "core  1.0" in attune("pack", "ls").stdout
    synced = attune("pack", "sync", "core")
    assert synced.exit_code == 1 and "w.yaml:1:1: no" in synced.stdout
    assert attune("pack", "sync", "--all").exit_code == 0
    checked = attune("pack", "validate", "core")
    assert checked.exit_code == 1 and "it is wrong" in checked.stdout
    assert json.loads(attune("pack", "validate", "core", "--json").stdout) == wrong
    assert "name one pack" in attune("pack", "sync").stderr


def test_a_token_is_made_printed_once_and_kept_as_a_hash_only(attune, monkeypatch):
    moto = pytest.importorskip("moto")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with moto.mock_aws():
        table = boto3.resource("dynamodb", region_name="eu-west-1").create_table(
            TableName="T",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
            KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        )
        words = ["token", "create", "me", "--region", "eu-west-1", "--table"]
        made = json.loads(attune(*words, "T", "--json").stdout)
        items = table.scan()["Items"]
        missing = attune(*words, "U")
    assert len(made["token"]) == 43 and made["name"] == "me"
    assert len(items) == 1 and made["token"] not in json.dumps(items, default=str)
    assert missing.exit_code == 2 and "DynamoDB did not take the token: ResourceNotFoundException" in missing.stderr


LOST = {
    "code": "task_lost",
    "sentence": "task 'a' was lost",
    "remedy": "ask for it again",
    "task": "a",
    "repairable": True,
}
WELL = {"code": "running", "sentence": "task 'a' runs", "remedy": "", "task": "a", "repairable": False}


def found(*findings, **more):
    return {"id": "E1", "status": "running", "sentence": "…", "findings": list(findings), **more}


def test_the_doctor_says_what_is_lost_and_offers_the_repair(attune, stack):
    stack.on("GET", "/workflow-executions/E1/diagnosis", found(LOST, WELL), found(WELL))
    ended = attune("doctor", "E1")
    assert ended.exit_code == 1
    assert ended.stdout.splitlines() == [
        "E1 is running:",
        "✗ task 'a' was lost",
        "  → ask for it again (`--fix` does it)",
        "• task 'a' runs",
    ]
    assert attune("doctor", "E1").exit_code == 0


def test_the_doctor_repairs_when_told_to(attune, stack):
    stack.on("POST", "/workflow-executions/E1/repair", (202, found(LOST, repaired=["E1"])), (202, found(repaired=[])))
    ended = attune("doctor", "E1", "--fix")
    assert (ended.exit_code, ended.stdout.splitlines()[-1]) == (0, "repaired: E1")
    assert attune("doctor", "E1", "--fix").stdout.splitlines()[-1] == "there is nothing to repair"
    assert json.loads(attune("doctor", "E1", "--fix", "--json").stdout)["repaired"] == []


def test_the_doctor_without_an_execution_looks_at_the_stack(attune, stack):
    check = {"name": "sweep", "ok": False, "sentence": "sweep has never run", "remedy": "look at its log"}
    good = {**check, "ok": True, "sentence": "sweep ran 2 min ago"}
    stack.on("GET", "/checkup", {"ok": False, "checks": [check]}, {"ok": True, "checks": [good]})
    ended = attune("doctor")
    assert (ended.exit_code, ended.stdout) == (1, "✗ sweep has never run\n  → look at its log\n")
    ended = attune("doctor")
    assert (ended.exit_code, ended.stdout) == (0, "✓ sweep ran 2 min ago\n")
    assert attune("doctor", "--fix").exit_code == 2


def test_dead_letters_are_listed_shown_redriven_and_dropped(attune, stack):
    row = {"id": "1.E1", "queue": "task", "died_at": "2026-01-01T00:00:00+00:00", "execution": "E1", "reason": "why"}
    stack.on("GET", "/dead-letters", {"items": [row], "cursor": "c"}, {"items": [], "cursor": None})
    stack.on("GET", "/dead-letters/1.E1", {**row, "body": "the body"})
    stack.on("POST", "/dead-letters/1.E1/redrive", (202, row))
    stack.on("DELETE", "/dead-letters/1.E1", row)
    listed = attune("dlq", "ls", "--limit", 1)
    assert "1.E1  task" in listed.stdout
    assert "more: --cursor c" in listed.stderr
    assert stack.asked[-1][2] == "limit=1"
    assert attune("dlq", "ls").stdout == "no dead letters\n"
    assert "the body" in attune("dlq", "show", "1.E1").stdout
    assert attune("dlq", "redrive", "1.E1").stdout == "sent again: 1.E1\n"
    assert attune("dlq", "drop", "1.E1").stdout == "dropped: 1.E1\n"
    assert stack.asked[-1][:2] == ("DELETE", "/dead-letters/1.E1")
    assert attune("dlq", "drop", "2.E1").exit_code == 2
