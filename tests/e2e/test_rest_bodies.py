"""What a request may carry."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.rest_client import NOWHERE, Rest, pointers, refused


def test_unknown_fields_are_refused_with_a_pointer(rest: Rest) -> None:
    project = rest.project()
    wrong: list[tuple[str, str, dict[str, Any], str]] = [
        ("POST", "/v1/projects", {"goal": "x", "colour": "red"}, "/colour"),
        ("POST", "/v1/projects", {"goal": "x", "budget": {"mony": 1}}, "/budget/mony"),
        ("POST", "/v1/projects", {"goal": "x", "budget": {"calls": -1}}, "/budget/calls"),
        ("POST", "/v1/projects", {"goal": "x", "budget": {"money": 2**60}}, "/budget/money"),
        ("POST", "/v1/projects", {}, "/goal"),
        ("POST", "/v1/projects", {"goal": "x", "a/b~c": 1}, "/a~1b~0c"),
        ("PATCH", f"/v1/projects/{project}", {"owner_id": "x"}, "/owner_id"),
        ("POST", f"/v1/projects/{project}/artifacts", {"title": "x", "text": "y", "z": 1}, "/z"),
        ("POST", f"/v1/projects/{project}/artifacts", {"title": "x", "text": "y", "section": "q"}, "/section"),
        ("POST", f"/v1/projects/{project}/artifacts", {"title": "x", "text": "y", "kind": "Q"}, "/kind"),
        ("POST", f"/v1/projects/{project}/members", {"subject_id": 1}, "/subject_id"),
    ]
    for method, path, body, pointer in wrong:
        assert pointer in pointers(refused(rest.request(method, path, json=body), 422)), (path, body)
    form = rest.upload(project, "a.md", b"# Text", colour="red")
    assert pointers(refused(form, 422)) == ["/colour"]
    refused(rest.post(f"/v1/projects/{project}/artifacts", files={"fil": ("a.md", b"x")}), 422)
    refused(rest.post(f"/v1/projects/{project}/artifacts", files=[("file", ("a.md", b"x"))] * 2), 400)


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "1e9"])
def test_a_page_has_one_to_a_hundred(rest: Rest, limit: str) -> None:
    problem = refused(rest.get("/v1/projects", params={"limit": limit}), 422)
    assert pointers(problem) == ["/query/limit"]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"goal": }', b"\xff\xfe", b'{"goal": "\xe9"}', b'{"goal": NaN}', b"\x00", b'{"goal": 1' + b"0" * 5000],
)
@pytest.mark.parametrize("path", ["/v1/projects", f"/v1/projects/{NOWHERE}/artifacts", f"/v1/projects/{NOWHERE}/runs"])
def test_a_malformed_body_answers_400(rest: Rest, path: str, body: bytes) -> None:
    refused(rest.post(path, content=body, headers=JSON), 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_another_media_type_answers_415(rest: Rest, kind: str) -> None:
    refused(rest.post("/v1/projects", content=b'{"goal": "x"}', headers={"Content-Type": kind}), 415)


def test_a_broken_form_answers_400(rest: Rest) -> None:
    address = f"/v1/projects/{rest.project()}/artifacts"
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        refused(rest.post(address, content=b"--y\r\nnothing", headers={"Content-Type": kind}), 400)


def test_a_surrogate_is_no_character(rest: Rest) -> None:
    for body in (b'{"goal": "\\ud800"}', b'{"goal": "x", "\\udfff": 1}'):
        refused(rest.post("/v1/projects", content=body, headers=JSON), 422)


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (
        '{"goal": ' + opening * (depth - 1) + ("1" if opening != "[" else "") + closing * (depth - 1) + "}"
    ).encode()


def test_json_is_at_most_32_levels_deep(rest: Rest) -> None:
    assert pointers(refused(rest.post("/v1/projects", content=nested(32), headers=JSON), 422)) == ["/goal"]
    for body in (nested(33), nested(33, '{"a":', "}")):
        problem = refused(rest.post("/v1/projects", content=body, headers=JSON), 422)
        assert "32 levels" in problem["detail"]
    for bomb in (nested(200_000), b"[" * 900_000, b'{"a":' * 150_000):
        assert rest.post("/v1/projects", content=bomb, headers=JSON).status_code in (400, 422)


def test_a_string_is_at_most_256_kilobytes(rest: Rest) -> None:
    project = rest.project()
    for text in ("a" * 256_001, "é" * 128_001):
        problem = refused(rest.post(f"/v1/projects/{project}/artifacts", json={"title": "x", "text": text}), 422)
        assert pointers(problem) == ["/text"]
    assert (
        rest.post(f"/v1/projects/{project}/artifacts", json={"title": "x", "text": "a " * 128_000}).status_code == 201
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_a_megabyte_answers_413(rest: Rest, chunked: bool) -> None:
    whole = json.dumps({"goal": "x", "name": "y" * 1_000_000}).encode()

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(whole), 100_000):
            yield whole[start : start + 100_000]

    for path in ("/v1/projects", f"/v1/projects/{NOWHERE}/artifacts"):
        answer = rest.post(path, content=pieces() if chunked else whole, headers=JSON)
        refused(answer, 413)
