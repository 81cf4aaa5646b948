"""The environment variables that programs get which work with the local cloud."""

from __future__ import annotations

import os
from collections.abc import Mapping

from attune.cli.local.runtime import scripts_dir

REGION = "us-east-1"

#: What of the caller's environment the local cloud, and so the functions in it, may see.
_KEPT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def aws_environment(endpoint: str) -> dict[str, str]:
    """``AWS_*`` variables that lead boto3 and `sam` to ``endpoint``, past any profile of the user's."""
    no_proxy = [value for value in (os.environ.get("NO_PROXY"), "127.0.0.1", "localhost") if value]
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": ",".join(no_proxy),
    }


def sam_environment(endpoint: str, extra: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment (pip's settings and proxies count) with the local cloud's on top."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PYTHON"))}
    return {
        **inherited,
        **aws_environment(endpoint),
        "PATH": _path(),
        "PYTHONUNBUFFERED": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.5",  # seconds; for AWS the default, 5, is right
        **extra,
    }


def ministack_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """A clean environment: MiniStack hands its own to the functions, so nothing must leak in."""
    kept = {k: os.environ[k] for k in (*_KEPT, *_PROXIES, "NO_PROXY", "no_proxy") if k in os.environ}
    return {**kept, "PATH": _path(), **settings}


def _path() -> str:
    """The virtual environment's programs come first: `sam build` looks for its Python there."""
    return f"{scripts_dir()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
