"""Objects in S3 as JSON, CSV or text, always UTF-8."""

import csv
import io
import json
from typing import Any

from attune.actions import ActionError
from attune.actions.aws import aws_errors, client, read_bounded, warm

warm("s3")

CONTENT_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "text": "text/plain; charset=utf-8"}


def get(bucket: str, key: str, format: str = "json", delimiter: str = ",") -> dict[str, Any]:  # noqa: A002
    """``{data, size, etag}``; a byte order mark is dropped."""
    with aws_errors():
        answer = client("s3").get_object(Bucket=bucket, Key=key)
        content = read_bounded(answer["Body"])
    try:
        text = content.decode("utf-8-sig")
        data = json.loads(text) if format == "json" else _rows(text, delimiter) if format == "csv" else text
    except ValueError as exc:
        message = f"s3://{bucket}/{key} is not {format} in UTF-8: {exc}"
        raise ActionError(message, type="unreadable_object", retryable=False) from exc
    return {"data": data, "size": len(content), "etag": answer["ETag"].strip('"')}


def put(
    bucket: str,
    key: str,
    data: Any,
    format: str = "json",  # noqa: A002
    columns: list[str] | None = None,
) -> dict[str, Any]:
    """``{bucket, key, size, etag}``."""
    content = _encoded(data, format, columns).encode()
    with aws_errors():
        answer = client("s3").put_object(Bucket=bucket, Key=key, Body=content, ContentType=CONTENT_TYPES[format])
    return {"bucket": bucket, "key": key, "size": len(content), "etag": answer["ETag"].strip('"')}


def _rows(text: str, delimiter: str) -> list[dict[str, str]]:
    """A short row's missing cells are empty; a long row's extra cells are an error."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True)
    rows = []
    try:
        for row in reader:
            if None in row:
                raise ValueError(f"line {reader.line_num} has more cells than the header")
            rows.append(row)
    except csv.Error as exc:
        raise ValueError(f"line {reader.line_num}: {exc}") from exc
    return rows


def _encoded(data: Any, format: str, columns: list[str] | None) -> str:  # noqa: A002
    if format == "json":
        return json.dumps(data, ensure_ascii=False, indent=2)
    if format == "text":
        return data if isinstance(data, str) else _refuse(format, "a text")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        return _refuse(format, "a list of mappings")
    names = columns or list(dict.fromkeys(name for row in data for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(data)
    return text.getvalue()


def _refuse(format: str, wanted: str) -> str:  # noqa: A002
    raise ActionError(f"data for format {format} must be {wanted}", type="invalid_input", retryable=False)
