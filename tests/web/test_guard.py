"""Nobody without the token is answered, and no page of another site."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from chainrule.web import build_application
from chainrule.web.guard import is_own_host
from tests.web.conftest import ADDRESS, TOKEN

PATHS = ("/", "/playground", "/studies", "/static/shell.css", "/nosuch")


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_answered(stranger, path):
    response = stranger.get(path)
    assert response.status_code == 403
    assert "open the address that chainrule app printed" in response.text


def test_a_wrong_token_is_none(stranger):
    assert stranger.get("/?token=another").status_code == 403
    assert stranger.get("/?token=ä").status_code == 403


def test_the_token_becomes_a_cookie_and_leaves_the_address(stranger):
    response = stranger.get(f"/playground?lesson=2&token={TOKEN}")
    assert response.status_code == 303
    assert response.headers["location"] == "/playground?lesson=2"
    assert "HttpOnly" in response.headers["set-cookie"]
    assert stranger.get("/playground?lesson=2").status_code == 200


def test_apps_on_two_ports_have_cookies_of_their_own(stranger):
    assert "chainrule-8765=" in stranger.get(f"/?token={TOKEN}").headers["set-cookie"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8765", "", "[::1"])
def test_another_hosts_name_is_refused_with_the_token_too(client, host):
    assert client.get("/playground", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "[::1]:8765", "192.168.1.2:80"])
def test_localhost_and_numbers_are_this_machine(host):
    assert is_own_host(host, {"localhost"})


def test_the_name_that_the_app_listens_on_is_its_own():
    app = build_application(TOKEN, ["Machine.local"])
    with TestClient(app, "http://machine.local:8765", follow_redirects=False) as client:
        assert client.get(f"/?token={TOKEN}").status_code == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null"])
def test_a_page_of_another_origin_is_refused(client, origin):
    assert client.get("/playground", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_loads_anything_but_may_link_to_a_page(client, site):
    del client.headers["origin"]
    loads = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
    assert client.get("/static/shell.css", headers=loads).status_code == 403
    links = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
    assert client.get("/playground", headers=links).status_code == 200
    assert client.post("/studies/remove", headers=links).status_code == 403


@pytest.mark.parametrize("path", PATHS[1:])
def test_every_answer_has_the_policy_of_a_page_without_network(client, path):
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_the_first_page_is_the_playground(client):
    assert client.get("/").headers["location"] == "/playground"
    page = client.get("/playground").text
    assert 'aria-current="page">Playground</a>' in page
    assert ADDRESS not in page


def test_where_nothing_is_the_page_says_so(client):
    response = client.get("/no<such>")
    assert response.status_code == 404
    assert "/no&lt;such&gt;" in response.text
