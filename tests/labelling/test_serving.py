"""The server that the pages share: what it refuses, what it keeps."""

import errno
import io
import json
import os
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from artifact_units import serving
from artifact_units.errors import UserError
from artifact_units.images.shards import write_shard
from artifact_units.serving import Access, Journal, Pictures, guard, make_app

SECRET = "a secret of the tests"
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8), np.uint8)
IDS = [4, 7, 9]


async def saved(request: Request) -> Response:
    return JSONResponse({"got": await serving.body(request)})


async def page(request: Request) -> Response:
    return serving.render(request, "page.html.j2", name="<ann>")


@pytest.fixture
def access():
    return Access(SECRET, frozenset({"testserver", "localhost"}))


@pytest.fixture
def pictures(tmp_path):
    write_shard(tmp_path / "images", 0, IDS[:2], PIXELS[:2])
    write_shard(tmp_path / "images", 1, IDS[2:], PIXELS[2:])
    return Pictures(tmp_path / "images")


@pytest.fixture
def client(tmp_path, pictures, access):
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "page.html.j2").write_text('<p data-token="{{ post_token }}">{{ name }}</p>')
    (folder / "page.js").write_text("'use strict';")
    (folder / "notes.txt").write_text("not served")
    (tmp_path / "outside.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    routes = [
        Route("/", page),
        Route("/saved", saved, methods=["POST"]),
        serving.picture_route("images", pictures),
    ]
    client = TestClient(make_app(routes, folder, access))
    client.get("/", params={"token": SECRET})
    return client


def post(client, access, data: bytes | Iterator[bytes] = b'{"a": 1}', **changes):
    headers = {
        "origin": "http://testserver",
        "x-token": access.post_token,
        "content-type": "application/json",
    } | changes
    kept = {name: value for name, value in headers.items() if value is not None}
    return client.post("/saved", content=data, headers=kept)


def refused(answer, status, words):
    assert (answer.status_code, answer.text.count("\n")) == (status, 1)
    assert answer.text.startswith("Error: ")
    assert words in answer.text


def test_a_page_is_rendered_escaped_and_kept_by_nobody(client, access):
    answer = client.get("/")
    assert answer.text == f'<p data-token="{access.post_token}">&lt;ann&gt;</p>'
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_change_from_the_page_itself_is_taken(client, access):
    assert post(client, access).json() == {"got": {"a": 1}}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost@evil.example", ""])
def test_a_foreign_host_is_refused(client, host):
    refused(client.get("/", headers={"host": host}), 403, "this server is not")


def test_a_name_is_known_whatever_the_port_of_a_tunnel(client):
    assert client.get("/", headers={"host": "localhost:9999"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://testserver:81", "https://testserver", "null", None]
)
def test_a_change_from_a_foreign_origin_is_refused(client, access, origin):
    refused(post(client, access, origin=origin), 403, "own page")


@pytest.mark.parametrize("token", ["", "wrong", "é", SECRET, None])
def test_a_change_without_the_pages_token_is_refused(client, access, token):
    value = token.encode() if token else token
    refused(post(client, access, **{"x-token": value}), 403, "load it anew")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_a_form_of_another_site_can_send_is_refused(client, access, kind):
    refused(post(client, access, **{"content-type": kind}), 415, "application/json")


@pytest.mark.parametrize("path", ["/", "/images/4.png", "/static/page.js", "/nowhere"])
def test_nothing_is_shown_to_who_does_not_know_the_secret(client, path):
    client.cookies.clear()
    refused(client.get(path), 403, "open the address")
    refused(client.get(path, params={"token": "wrong"}), 403, "open the address")


def test_the_printed_address_sets_a_cookie_that_no_script_reads(client):
    client.cookies.clear()
    answer = client.get(f"/?id=3&token={SECRET}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?id=3")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


def test_the_printed_address_leads_to_no_other_host(client):
    answer = client.get(f"http://testserver//evil.example/?token={SECRET}", follow_redirects=False)
    assert answer.headers["location"] == "/evil.example/"


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(client, access):
    large = b" " * (guard.LIMIT + 1)
    refused(post(client, access, large), 413, "more than")
    refused(post(client, access, iter([large])), 413, "more than")
    refused(post(client, access, b"{}", **{"content-length": "9" * 5000}), 413, "more than")


@pytest.mark.parametrize("data", [b"", b"[1]", b"nonsense", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_mapping_is_refused(client, access, data):
    refused(post(client, access, data), 400, "no JSON object")


def test_only_the_methods_of_a_page_are_answered(client):
    refused(client.delete("/"), 405, "DELETE")
    refused(client.get("/saved"), 405, "Method")


def test_an_endless_address_is_refused(client):
    refused(client.get(f"/images/{'1' * 5000}.png"), 414, "more than")


def test_a_picture_is_the_image_itself(client):
    answer = client.get("/images/9.png")
    assert answer.headers["content-type"] == "image/png"
    found = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert np.array_equal(found.transpose(2, 0, 1), PIXELS[2])


@pytest.mark.parametrize("id", ["5", "0", "99999999999999999999999999"])
def test_an_unknown_id_is_named(client, id):
    refused(client.get(f"/images/{id}.png"), 404, f"generation {id} is not here; there are 3")


@pytest.mark.parametrize(
    "path",
    [
        "/images/..%2f..%2fetc%2fpasswd",
        "/images/..%2f4.png",
        "/images/-4.png",
        "/images/4.png%00",
        "/images/%2fetc%2fpasswd",
        "/images//etc/passwd",
        "/static/..%2foutside.js",
        "/static/../outside.js",
        "/static/%2fetc%2fpasswd",
        "/static/page.js%00",
        "/static/notes.txt",
        "/static/page.html.j2",
        "/static/link.js",
    ],
)
def test_no_path_leads_out_of_what_is_served(client, path):
    refused(client.get(path), 404, "")


def test_scripts_are_served_as_scripts(client):
    assert client.get("/static/page.js").headers["content-type"].startswith("text/javascript")


def test_a_server_that_others_reach_needs_a_secret_that_somebody_chose(monkeypatch):
    monkeypatch.delenv(guard.VARIABLE, raising=False)
    assert len(Access.at("127.0.0.1").secret) >= guard.SHORTEST
    assert Access.at("127.0.0.1").secret != Access.at("127.0.0.1").secret
    with pytest.raises(UserError, match=r"0\.0\.0\.0 can be reached from other machines"):
        Access.at("0.0.0.0")
    monkeypatch.setenv(guard.VARIABLE, "short")
    with pytest.raises(UserError, match="has 5 characters"):
        Access.at("0.0.0.0")
    monkeypatch.setenv(guard.VARIABLE, SECRET)
    assert Access.at("0.0.0.0", ["Node7"]).names == {"localhost", "127.0.0.1", "::1", "node7"}


def test_a_port_that_is_taken_is_named(client, access):
    import socket

    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(UserError, match="cannot be served"),
    ):
        serving.serve(client.app, access, "127.0.0.1", taken.getsockname()[1], print)


def test_what_was_appended_is_in_the_file_and_stays(tmp_path):
    journal = Journal(tmp_path / "new" / "labels.jsonl")
    journal.append({"b": 1, "a": "é\n"})
    text = (tmp_path / "new" / "labels.jsonl").read_text()
    assert text == '{"a": "\\u00e9\\n", "b": 1}\n'
    journal.close()
    journal = Journal(tmp_path / "new" / "labels.jsonl")
    journal.append({"c": 2})
    assert (tmp_path / "new" / "labels.jsonl").read_text() == text + '{"c": 2}\n'
    journal.close()


def test_a_torn_last_line_is_dropped_and_said(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"a": 1}\n{"a": ')
    journal = Journal(path)
    assert "dropped" in (journal.notice or "")
    journal.append({"a": 2})
    journal.close()
    assert [json.loads(line)["a"] for line in path.read_text().splitlines()] == [1, 2]
    assert Journal(path).notice is None


def test_a_second_server_on_one_file_is_refused(tmp_path):
    first = Journal(tmp_path / "labels.jsonl")
    with pytest.raises(UserError, match=r"labels\.jsonl: another server or import has it open"):
        Journal(tmp_path / "labels.jsonl")
    first.close()
    Journal(tmp_path / "labels.jsonl").close()


def test_a_file_that_something_else_changed_takes_no_more(tmp_path):
    path = tmp_path / "labels.jsonl"
    journal = Journal(path)
    path.write_text("x\n")
    with pytest.raises(UserError, match="changed by another program"):
        journal.append({"a": 1})
    (tmp_path / "other").write_text("")
    os.replace(tmp_path / "other", path)
    with pytest.raises(UserError, match="changed by another program"):
        journal.append({"a": 1})
    path.unlink()
    with pytest.raises(UserError, match="changed by another program"):
        journal.append({"a": 1})
    journal.close()


def test_a_line_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "labels.jsonl"
    journal = Journal(path)
    journal.append({"a": 1})

    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            journal.append({"a": 2})
    journal.append({"a": 3})
    assert [json.loads(line)["a"] for line in path.read_text().splitlines()] == [1, 3]
    journal.close()
