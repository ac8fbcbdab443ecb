"""What the page asks for, over HTTP and by its socket."""

from __future__ import annotations

import pytest
from starlette.websockets import WebSocketDisconnect

from tests.readable import check_readable
from tests.web.playground.conftest import SMALL, unpack

SESSION = "ws://127.0.0.1:8765/playground/session"


def receive(page):
    return unpack(page.receive_bytes())


def test_the_catalog_has_what_a_page_begins_with(client):
    catalog = client.get("/playground/catalog").json()
    assert catalog["start"]["seeds"] == 32
    assert "moons" in catalog["problems"]


def test_a_page_trains_over_its_socket(client):
    with client.websocket_connect(SESSION) as page:
        page.send_json({"do": "build", "setting": SMALL})
        assert [receive(page)["type"] for _ in range(2)] == ["built", "frame"]
        page.send_json({"do": "step", "epochs": 2})
        assert receive(page)["epoch"] == 2


def test_two_pages_do_not_disturb_each_other(client):
    with client.websocket_connect(SESSION) as one, client.websocket_connect(SESSION) as two:
        for page in (one, two):
            page.send_json({"do": "build", "setting": SMALL})
        one.send_json({"do": "step", "epochs": 3})
        two.send_json({"do": "step", "epochs": 1})
        assert [receive(one) for _ in range(3)][-1]["epoch"] == 3
        assert [receive(two) for _ in range(3)][-1]["epoch"] == 1


@pytest.mark.parametrize("text", ["{", "[1]", '"play"', "null"])
def test_what_is_no_command_is_told(client, text):
    with client.websocket_connect(SESSION) as page:
        page.send_text(text)
        assert receive(page)["type"] == "error"
        page.send_json({"do": "build", "setting": SMALL})
        assert receive(page)["type"] == "built"


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"origin": "null"}])
def test_the_socket_of_another_site_is_refused(client, headers):
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(SESSION, headers=headers),
    ):
        pass


def test_the_socket_without_the_token_is_refused(stranger):
    with (
        pytest.raises(WebSocketDisconnect),
        stranger.websocket_connect(SESSION, headers={"origin": "http://127.0.0.1:8765"}),
    ):
        pass


def test_the_columns_of_a_file_are_told(client, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\r\n1,x\r\n3,y\r\n5,x\r\n7,y\r\n", encoding="utf-8")
    found = client.get("/playground/columns", params={"csv": str(tmp_path / "rows.csv")})
    kinds = {column["name"]: column["kind"] for column in found.json()["columns"]}
    assert kinds == {"a": "regression", "b": "classification"}


@pytest.mark.parametrize("name", ["none.csv", "", "."])
def test_a_file_that_is_none_is_a_message(client, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    response = client.get("/playground/columns", params={"csv": name})
    assert response.status_code == 400
    check_readable(response.json()["message"])


def test_a_derivation_is_a_part_of_a_page(client):
    response = client.get("/playground/derivations/linear")
    assert response.headers["content-type"].startswith("text/html")
    assert "dL/dx" in response.text or "<math" in response.text


@pytest.mark.parametrize("name", ["none", "..%2Findex", "%00", "linear.md"])
def test_a_derivation_that_there_is_not_is_told(client, name):
    assert client.get(f"/playground/derivations/{name}").status_code == 404
