"""Whatever form a secret comes back in, it is not seen; and what is no secret stays as it is."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attune.model.masking import MASK, SHORTEST, Masker

secrets = st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
FORMS = {
    "plain": str,
    "json": json.dumps,
    "json in unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps({"a": [text]}),
    "python": lambda text: repr({"a": text}),
    "url": lambda text: quote(text, safe=""),
    "path": quote,
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "bare base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", FORMS)
@given(secret=secrets, before=texts, after=texts)
@example(secret="****", before="", after="*")
@example(secret="***x", before="", after="x")
def test_no_form_of_a_secret_is_left_in_a_text(form: str, secret: str, before: str, after: str) -> None:
    written = FORMS[form](secret)
    masked = Masker([secret]).text(before + written + after)
    assert MASK in masked
    assert secret not in masked
    assert written not in masked


@given(
    secret=st.text(st.characters(codec="ascii"), min_size=8, max_size=40),
    before=st.binary(max_size=5),
    after=st.binary(max_size=5),
)
def test_a_secret_is_known_inside_of_what_is_encoded_with_it(secret: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    assert MASK in Masker([secret]).text(encoded)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(secret=secrets, value=json_values)
def test_no_text_or_key_of_a_value_holds_a_secret(secret: str, value: Any) -> None:
    found = Masker([secret]).value({"a": value, f"k{secret}": [secret, {"b": f"x{secret}x"}]})
    assert all(secret not in text for text in _texts(found))


@given(value=json_values)
def test_without_secrets_everything_stays(value: Any) -> None:
    assert Masker(()).value(value) == value
    assert Masker(["abc", "", 12, True, None]).value(value) == value, "and shorter ones are let through"


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in _texts(item))]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("hunter2\n", "it is hunter2.", "it is ***."),
        ('{"user": "admin", "password": "pa55word", "port": 54321}', "pa55word at 54321", "*** at ***"),
        ({"token": ["t0ken", {"pin": 4711}]}, "t0ken 4711 0815", "*** *** 0815"),
        ("-----BEGIN KEY-----\nMIIEpAIBAA\nK\n", "a line: MIIEpAIBAA, and K", "a line: ***, and K"),
        ("abc", "abc", "abc"),
    ],
)
def test_parts_of_a_secret_are_secret(secret: Any, text: str, masked: str) -> None:
    assert Masker([secret]).text(text) == masked


def test_a_secret_number_is_masked_as_a_number() -> None:
    assert Masker([4711]).value({"pin": 4711, "other": 47110}) == {"pin": MASK, "other": 47110}
