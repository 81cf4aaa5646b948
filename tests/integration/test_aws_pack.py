"""The aws pack, core.emit_event and the example's own actions, in forked children against moto's server."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from moto.server import ThreadedMotoServer

from attune.actions.attempt import Attempt, OutcomeStatus
from attune.actions.aws import client as aws_client
from attune.actions.runner import ActionRunner
from attune.model.action import ActionSpec, Runner
from tests.shipped import PACKS, pack_action

ORDERS = PACKS / "examples" / "data" / "orders.csv"


@pytest.fixture(scope="module")
def moto_url():
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def point_to(monkeypatch, url):
    names = {"ENDPOINT_URL": url, "DEFAULT_REGION": "eu-central-1", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x"}
    for name, value in names.items():
        monkeypatch.setenv(f"AWS_{name}", value)


@pytest.fixture
def s3(moto_url, monkeypatch):
    """A client with an empty bucket named ``orders``."""
    point_to(monkeypatch, moto_url)
    client = boto3.client("s3")
    client.create_bucket(Bucket="orders", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    for item in client.list_objects_v2(Bucket="orders").get("Contents", []):
        client.delete_object(Bucket="orders", Key=item["Key"])
    client.delete_bucket(Bucket="orders")


def outcomes_of(*pairs):
    attempts = [
        Attempt(
            execution_id="exec-1",
            workflow="w.x",
            task="t",
            index=None,
            visit=1,
            number=1,
            action=action if isinstance(action, ActionSpec) else pack_action(action),
            input=given,
            timeout=30,
        )
        for action, given in pairs
    ]
    found = dict(ActionRunner(PACKS).run(attempts, deadline=time.monotonic() + 60))
    return [found[position] for position in range(len(pairs))]


def run(ref, **given):
    (outcome,) = outcomes_of((ref, given))
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.error
    return outcome.result


def error(ref, **given):
    (outcome,) = outcomes_of((ref, given))
    assert outcome.status is OutcomeStatus.FAILED
    return outcome.error


# S3


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("json", {"ü": [1, None, {"a": "✓"}]}),
        ("text", "grüße\nsecond line"),
        ("csv", [{"name": 'Zoë, "Z"', "n": "1"}, {"name": "line\nbreak", "n": ""}]),
    ],
)
def test_what_is_put_is_what_is_got(s3, form, data):
    written = run("aws.s3_put", bucket="orders", key="a/ü.dat", format=form, data=data)
    read = run("aws.s3_get", bucket="orders", key="a/ü.dat", format=form)
    assert read == {"data": data, "size": written["size"], "etag": written["etag"]}
    assert s3.head_object(Bucket="orders", Key="a/ü.dat")["ContentLength"] == written["size"]


def test_a_csv_has_the_given_columns_or_all_names_in_order_of_appearance(s3):
    rows = [{"b": 1, "a": 2}, {"c": True, "a": None}]
    run("aws.s3_put", bucket="orders", key="x.csv", format="csv", data=rows)
    assert s3.get_object(Bucket="orders", Key="x.csv")["Body"].read() == b"b,a,c\n1,2,\n,,True\n"
    run("aws.s3_put", bucket="orders", key="x.csv", format="csv", data=[], columns=["a", "b"])
    assert s3.get_object(Bucket="orders", Key="x.csv")["Body"].read() == b"a,b\n"


def test_a_csv_from_a_spreadsheet_is_read(s3):
    s3.put_object(Bucket="orders", Key="x.csv", Body="name;n\r\nZoë;1\r\nAda\r\n".encode("utf-8-sig"))
    rows = run("aws.s3_get", bucket="orders", key="x.csv", format="csv", delimiter=";")["data"]
    assert rows == [{"name": "Zoë", "n": "1"}, {"name": "Ada", "n": ""}]


@pytest.mark.parametrize(
    ("form", "body", "said"),
    [
        ("json", b"{oops", "not json"),
        ("text", b"\xff\xfe", "UTF-8"),
        ("csv", b"a,b\n1,2,3\n", "line 2 has more cells"),
        ("csv", b'a,b\n"1,2\n', "unexpected end of data"),
    ],
)
def test_an_object_of_another_form_is_unreadable(s3, form, body, said):
    s3.put_object(Bucket="orders", Key="x", Body=body)
    found = error("aws.s3_get", bucket="orders", key="x", format=form)
    assert found["type"] == "unreadable_object" and said in found["message"] and not found["retryable"]


def test_an_object_over_the_limit_is_not_read(s3):
    s3.put_object(Bucket="orders", Key="big", Body=b"x" * (50 * 1024 * 1024 + 1))
    assert error("aws.s3_get", bucket="orders", key="big", format="text")["type"] == "result_too_large"


def test_a_missing_object_fails_with_the_aws_error_code(s3):
    found = error("aws.s3_get", bucket="orders", key="nothing")
    assert (found["type"], found["retryable"]) == ("NoSuchKey", False)
    assert found["details"] == {"status": 404, "operation": "GetObject"}


@pytest.mark.parametrize(("form", "data"), [("text", 1), ("csv", {"a": 1}), ("csv", [1])])
def test_data_that_does_not_fit_the_format_is_invalid_input(s3, form, data):
    found = error("aws.s3_put", bucket="orders", key="x", format=form, data=data)
    assert found["type"] == "invalid_input"
    assert "Contents" not in s3.list_objects_v2(Bucket="orders")


# aws.call


@pytest.mark.parametrize("operation", ["GetObject", "get_object"])
def test_streams_and_times_become_json(s3, operation):
    s3.put_object(Bucket="orders", Key="x", Body="grüße".encode())
    answer = run("aws.call", service="s3", operation=operation, params={"Bucket": "orders", "Key": "x"})
    assert answer["Body"] == "grüße" and answer["ContentLength"] == 7
    assert answer["LastModified"][:2] == "20" and "T" in answer["LastModified"]
    assert "ResponseMetadata" not in answer


def test_bytes_that_are_no_text_become_base64(s3):
    s3.put_object(Bucket="orders", Key="x", Body=b"\xff\x00")
    answer = run("aws.call", service="s3", operation="GetObject", params={"Bucket": "orders", "Key": "x"})
    assert answer["Body"] == {"base64": "/wA="}


@pytest.mark.parametrize(
    ("given", "type_", "said"),
    [
        ({"service": "s3", "operation": "GetObjekt"}, "unknown_operation", "get_object"),
        ({"service": "s4", "operation": "GetObject"}, "UnknownServiceError", "s4"),
        ({"service": "s3", "operation": "GetObject", "params": {"Key": 1}}, "invalid_input", "Bucket"),
        ({"service": "s3", "operation": "HeadBucket", "params": {"Bucket": "no-such"}}, "404", "Not Found"),
    ],
)
def test_calls_that_can_not_work_say_why_and_are_not_retried(s3, given, type_, said):
    found = error("aws.call", **given)
    assert found["type"] == type_ and said in found["message"] and not found["retryable"]


def test_calls_side_by_side_do_not_mix_up(s3):
    pairs = [("aws.s3_put", {"bucket": "orders", "key": f"k{n}", "data": n}) for n in range(6)]
    assert all(outcome.status is OutcomeStatus.COMPLETED for outcome in outcomes_of(*pairs))
    assert [json.loads(s3.get_object(Bucket="orders", Key=f"k{n}")["Body"].read()) for n in range(6)] == list(range(6))


# A service that answers as told: Lambda's and the throttling answers that moto has no way to give


class Scripted(BaseHTTPRequestHandler):
    """Answers every POST as its server's ``answer`` says: ``(status, headers, body)``."""

    def do_POST(self):
        self.server.seen = self.path, self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Says nothing."""


@pytest.fixture
def service(monkeypatch):
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    point_to(monkeypatch, f"http://127.0.0.1:{httpd.server_port}")
    monkeypatch.setenv("ATTUNE_EVENT_BUS", "attune-bus")
    yield httpd
    httpd.shutdown()
    httpd.server_close()


def test_a_lambda_function_gets_the_payload_and_its_answer_is_the_result(service):
    service.answer = 200, {}, b'{"sum": 3}'
    assert run("aws.invoke_lambda", function="add", payload={"a": [1, 2]}) == {"sum": 3}
    path, body = service.seen
    assert path == "/2015-03-31/functions/add/invocations" and json.loads(body) == {"a": [1, 2]}


@pytest.mark.parametrize(("service", "seconds"), [("lambda", 900), ("s3", 60)])
def test_a_function_is_waited_for_as_long_as_it_can_run(aws, service, seconds):
    """The SDK would invoke it again after a minute."""
    config = aws_client(service).meta.config
    assert (config.read_timeout, config.tcp_keepalive) == (seconds, True)


def test_a_lambda_runner_sends_the_input_and_fails_as_the_function_fails(service):
    failure = {"errorType": "NoStock", "errorMessage": "none left", "stackTrace": ["line"]}
    service.answer = 200, {"X-Amz-Function-Error": "Unhandled"}, json.dumps(failure).encode()
    (outcome,) = outcomes_of(
        (ActionSpec("shop.reserve", "shop", runner=Runner.LAMBDA, entry_point="reserve"), {"sku": "T"})
    )
    assert outcome.error["type"] == "NoStock" and outcome.error["message"] == "reserve: none left"
    assert json.loads(service.seen[1]) == {"sku": "T"}


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [(400, "ThrottlingException", True), (500, "InternalError", True), (400, "ValidationException", False)],
)
def test_only_throttling_and_faults_of_the_service_are_retryable(service, status, code, retryable):
    service.answer = status, {}, json.dumps({"__type": code, "message": "no"}).encode()
    found = error("aws.call", service="events", operation="ListRules")
    assert (found["type"], found["retryable"]) == (code, retryable)


def test_an_event_that_the_bus_refuses_is_a_failure(service):
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "later"}]}
    service.answer = 200, {}, json.dumps(refused).encode()
    assert error("core.emit_event", detail_type="X")["type"] == "InternalFailure"


def test_the_type_of_an_event_has_128_characters_at_most(service):
    """AWS says that it took a longer one, and nobody ever gets it."""
    assert error("core.emit_event", detail_type="x" * 129)["type"] == "invalid_input"


def test_a_service_that_is_not_there_is_a_connection_error(service, monkeypatch):
    point_to(monkeypatch, "http://127.0.0.1:1")
    assert error("aws.call", service="events", operation="ListRules")["type"] == "connection_error"


# core


def test_an_event_reaches_the_bus(moto_url, monkeypatch):
    point_to(monkeypatch, moto_url)
    monkeypatch.setenv("ATTUNE_EVENT_BUS", "attune-bus")
    events, sqs = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name="attune-bus")
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="attune-bus", EventPattern='{"source": ["orders.import"]}')
    events.put_targets(Rule="all", EventBusName="attune-bus", Targets=[{"Id": "q", "Arn": arn}])
    detail = {"name": "Zoë", "n": 1}
    answer = run("core.emit_event", source="orders.import", detail_type="OrdersImported", detail=detail)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("orders.import", "OrdersImported", detail)
    assert answer["event_id"]


def test_without_a_bus_emitting_says_so(monkeypatch):
    monkeypatch.delenv("ATTUNE_EVENT_BUS", raising=False)
    assert error("core.emit_event", detail_type="X")["type"] == "no_event_bus"


def test_the_small_core_actions():
    assert run("core.echo", message=["ü", 1]) == {"message": ["ü", 1]}
    assert run("core.set", values={"a": {"b": None}}) == {"a": {"b": None}}
    found = error("core.fail", message="no", type="too_late", retryable=True)
    assert found == {"type": "too_late", "message": "no", "details": None, "retryable": True}
    assert error("core.fail")["retryable"] is False


# The example's actions on its sample data


def test_the_order_import_step_by_step(s3):
    s3.upload_file(str(ORDERS), "orders", "inbox/orders.csv")
    rows = run("aws.s3_get", bucket="orders", key="inbox/orders.csv", format="csv")["data"]
    starts = range(0, len(rows), 50)
    batches = outcomes_of(
        *(("examples.check_orders", {"orders": rows[n : n + 50], "first_row": n + 2}) for n in starts)
    )
    combined = run("examples.combine", batches=[batch.result for batch in batches])
    summary = combined["summary"]
    assert (summary["total"], summary["accepted"], summary["rejected"], summary["bad_share"]) == (300, 273, 27, 0.09)
    assert summary["reasons"]["duplicate"] == 3 and summary["revenue"] == 59403.05
    for file in combined["files"]:
        target = {"bucket": "orders", "key": f"out/{file['name']}", "columns": file["columns"]}
        run("aws.s3_put", **target, format=file["format"], data=file["data"])
    rejected = run("aws.s3_get", bucket="orders", key="out/rejected.csv", format="csv")["data"]
    lines = ORDERS.read_text(encoding="utf-8").splitlines()
    assert len(rejected) == 27
    assert all(lines[int(row["row"]) - 1].startswith(row["order_id"]) for row in rejected)
    deleted = run("examples.delete_folder", bucket="orders", folder="out")["deleted"]
    assert sorted(deleted) == ["out/accepted.csv", "out/rejected.csv", "out/report.json"]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="orders")["Contents"]] == ["inbox/orders.csv"]
    assert run("examples.delete_folder", bucket="orders", folder="out") == {"deleted": []}


def test_orders_from_a_file_with_other_columns_are_all_rejected():
    checked = run("examples.check_orders", orders=[{"id": "1"}], first_row=2)
    assert checked["accepted"] == [] and checked["rejected"][0]["reasons"].count("missing") == 7


def test_an_empty_file_has_no_bad_rows():
    assert run("examples.combine", batches=[])["summary"]["bad_share"] == 0
