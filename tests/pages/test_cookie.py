"""The cookie: given once for a ticket, to a page of this server alone, and to be read by no script."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie

import pytest

from pages.components import cookie

HERE = [(b"host", b"plan.example.com"), (b"origin", b"https://plan.example.com")]


def run(coroutine):
    """Run it in a thread of its own: in this one the browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def ask(body=b"good", headers=HERE, method="POST", path=cookie.PATH):
    """Status and headers of the answer, and which tickets were looked at."""
    sent, tried = [], []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    def redeem(ticket):
        tried.append(ticket)
        return "token" if ticket == "good" else None

    kept = cookie.Kept(None, redeem)
    run(kept({"type": "http", "method": method, "path": path, "headers": headers}, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), tried


def test_a_ticket_brings_a_cookie_that_no_script_and_no_other_site_can_use():
    status, headers, _ = ask()
    assert status == 204
    assert headers[b"cache-control"] == b"no-store"
    told = SimpleCookie(headers[b"set-cookie"].decode())["__Host-stockcast"]
    assert (told.value, told["path"], told["samesite"], told["domain"]) == ("token", "/", "Strict", "")
    assert told["httponly"]
    assert told["secure"]
    plain = ask(headers=[(b"host", b"localhost:8501"), (b"origin", b"http://localhost:8501")])[1][b"set-cookie"]
    assert plain == b"stockcast=token; Path=/; HttpOnly; SameSite=Strict"


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "GET"},
        {"headers": [(b"host", b"plan.example.com")]},
        {"headers": [(b"host", b"plan.example.com"), (b"origin", b"https://evil.example.com")]},
        {"headers": [(b"host", b"plan.example.com"), (b"origin", b"null")]},
        {"headers": [*HERE, (b"origin", b"https://plan.example.com")]},
        {"body": b"x" * 1_000_000},
        {"body": b""},
    ],
)
def test_whoever_else_asks_is_refused_before_a_ticket_is_looked_at(asked):
    status, headers, tried = ask(**asked)
    assert (status, tried) == (403, [])
    assert b"set-cookie" not in headers


def test_a_wrong_ticket_looks_like_any_refusal():
    assert ask(body=b"bad")[:2] == ask(method="GET")[:2]


@pytest.mark.parametrize(("origin", "kept"), [(HERE[1][1], True), (None, True), (b"https://evil.example.com", False)])
def test_a_tab_that_another_site_opens_brings_no_cookie(origin, kept):
    seen = []

    async def app(scope, _receive, _send):
        seen.append(dict(scope["headers"]))

    headers = [(b"host", b"plan.example.com"), (b"cookie", b"stockcast=x"), *([(b"origin", origin)] if origin else [])]
    run(cookie.Kept(app, None)({"type": "websocket", "path": "/_stcore/stream", "headers": headers}, None, None))
    assert (b"cookie" in seen[0]) is kept


def test_behind_tls_the_cookie_that_came_without_it_does_not_count():
    both = {"stockcast": "planted", "__Host-stockcast": "own"}
    assert cookie.token_of(both, "https://plan.example.com/") == "own"
    assert cookie.token_of({"stockcast": "planted"}, "https://plan.example.com/") == ""
    assert cookie.token_of(both, "http://localhost:8501/") == "planted"
    assert cookie.token_of({}, None) == ""


@pytest.mark.parametrize(("base", "path"), [("", ""), ("plan", "/plan"), ("/a/b/", "/a/b")])
def test_the_page_asks_where_its_server_answers(base, path):
    assert f'fetch("{path}{cookie.PATH}", ' in cookie.fetching("t", base)
