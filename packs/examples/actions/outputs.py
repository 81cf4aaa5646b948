"""Removing what an import has written."""

from typing import Any

from attune.actions import ActionError
from attune.actions.aws import aws_errors, client, warm

warm("s3")


def delete_folder(bucket: str, folder: str) -> dict[str, Any]:
    """Delete every object below ``folder/``; ``{deleted}``, the keys. Doing it twice is harmless.

    A page of a listing and a DeleteObjects call both hold 1,000 keys (S3 API reference).
    """
    deleted: list[str] = []
    with aws_errors():
        s3 = client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/"):
            keys = [item["Key"] for item in page.get("Contents", [])]
            if keys:
                _delete(s3, bucket, keys)
                deleted += keys
    return {"deleted": deleted}


def _delete(s3: Any, bucket: str, keys: list[str]) -> None:
    objects = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
    errors = s3.delete_objects(Bucket=bucket, Delete=objects).get("Errors", [])
    if errors:
        details = {"errors": [{"key": e.get("Key"), "code": e.get("Code")} for e in errors[:10]]}
        raise ActionError(f"{len(errors)} objects could not be deleted", type="not_deleted", details=details)
