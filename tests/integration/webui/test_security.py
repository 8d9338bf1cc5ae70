"""What an attacker's page, a guesser and a scanner meet: headers, CSRF, cookies, login limit, clear errors."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from webui.addresses import local_target
from webui.app import create_app


def test_every_answer_carries_the_security_headers(browser):
    for path in ("/login", "/nope", "/health/live", "/api/v1/openapi.json", "/api/v1/tasks"):
        headers = browser.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"].replace("style-src-attr 'unsafe-inline'", "")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_pages_hold_no_inline_code(signed_in):
    text = signed_in("staff").get("/settings").get_data(as_text=True)
    assert "<style" not in text
    assert " onclick=" not in text
    assert "<script>" not in text


def test_login_makes_a_fresh_session_and_a_strict_cookie(browser):
    browser.get("/login")
    answer = browser.post("/login", {"user": "staff", "password": "right password"})
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_https_uses_host_cookies(app):
    client = app.test_client()
    answer = client.get("/login", base_url="https://flow.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-visitor=")
    assert "Secure" in cookie
    assert "Strict-Transport-Security" in answer.headers


FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "flow.example"}


def through_a_proxy(app):
    client = app.test_client()
    page = client.get("/login", headers=FORWARDED)
    token = re.search(r'name="csrf-token" content="(\w+)"', page.get_data(as_text=True))[1]
    form = {"user": "staff", "password": "right password", "csrf_token": token}
    return page, client.post("/login", data=form, headers={**FORWARDED, "Origin": "https://flow.example"})


def test_behind_a_proxy_with_https_people_sign_in_and_cookies_are_for_https_only(flowledger, monkeypatch):
    monkeypatch.setattr(flowledger, "settings", replace(flowledger.settings, proxies=1))
    page, signed = through_a_proxy(create_app(flowledger))
    assert page.headers["Set-Cookie"].startswith("__Host-visitor=")
    assert signed.status_code == 303
    assert "__Host-session=" in "".join(signed.headers.getlist("Set-Cookie"))


def test_of_two_proxies_the_inner_one_passes_on_what_the_outer_one_says_of_scheme_and_host(flowledger, monkeypatch):
    monkeypatch.setattr(flowledger, "settings", replace(flowledger.settings, proxies=2))
    headers = {**FORWARDED, "X-Forwarded-For": "203.0.113.9, 10.0.0.2"}
    page = create_app(flowledger).test_client().get("/login", headers=headers)
    assert page.headers["Set-Cookie"].startswith("__Host-visitor=")


def test_failed_logins_behind_a_proxy_are_counted_by_who_failed(flowledger, monkeypatch):
    monkeypatch.setattr(flowledger, "settings", replace(flowledger.settings, proxies=1))
    app, seen = create_app(flowledger), []
    limit = app.extensions["flowledger.login_limit"]
    monkeypatch.setattr(limit, "wait_seconds", lambda user, address: seen.append(address) or 0)
    through_a_proxy(app)
    assert seen == ["203.0.113.9"]


def test_without_a_proxy_nobody_is_believed_who_says_that_there_is_one(app):
    page, signed = through_a_proxy(app)
    assert page.headers["Set-Cookie"].startswith("visitor=")
    assert signed.status_code == 403, "another origin"


def test_a_form_without_token_is_refused(signed_in, flowledger):
    browser = signed_in("staff")
    browser.token = "0" * 64
    answer = browser.post("/settings", {"language": "en", "time_zone": "UTC"})
    assert answer.status_code == 403
    assert "太久" in answer.get_data(as_text=True)


def test_a_foreign_origin_is_refused(signed_in):
    browser = signed_in("staff")
    data = {"language": "en", "time_zone": "UTC"}
    assert browser.post("/settings", data, headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.post("/settings", data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.post("/settings", data, headers={"Origin": "http://localhost"}).status_code == 303


def test_a_token_of_another_session_is_refused(signed_in):
    mine, other = signed_in("staff"), signed_in("auditor")
    mine.token = other.token
    assert mine.post("/settings", {"language": "en", "time_zone": "UTC"}).status_code == 403


def test_the_session_cookie_opens_no_api(signed_in):
    assert signed_in("staff").get("/api/v1/tasks").status_code == 401


def test_guessing_is_slowed_down(browser):
    browser.get("/login")
    for _ in range(5):
        assert browser.post("/login", {"user": "staff", "password": "wrong"}).status_code == 401
    answer = browser.post("/login", {"user": "staff", "password": "right password"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_a_wrong_name_and_a_wrong_password_look_the_same(browser):
    browser.get("/login")
    one = browser.post("/login", {"user": "staff", "password": "x"}).get_data(as_text=True)
    other = browser.post("/login", {"user": "nobody", "password": "x"}).get_data(as_text=True)
    assert one.replace("staff", "") == other.replace("nobody", "")


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/x", "/\\evil.example", "javascript:alert(1)", "x", None, "/a\r\nb"])
def test_no_open_redirect(app, target):
    with app.test_request_context("/"):
        assert local_target(target) == "/"


def test_local_targets_stay(app):
    with app.test_request_context("/"):
        assert local_target("/tasks/1?x=1") == "/tasks/1?x=1"


def test_a_defect_shows_no_stack(app, signed_in, monkeypatch):
    def broken(**_):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setitem(app.view_functions, "account.settings", broken)
    browser = signed_in("auditor")
    answer = browser.get("/settings")
    assert answer.status_code == 500
    assert "secret detail" not in answer.get_data(as_text=True)
    assert "Traceback" not in answer.get_data(as_text=True)


def test_pages_in_both_languages(browser):
    assert "登录" in browser.get("/login").get_data(as_text=True)
    browser.post("/language", {"language": "en", "next": "/login"})
    page = browser.get("/login").get_data(as_text=True)
    assert "Sign in" in page
    assert 'lang="en"' in page


def test_unsigned_visitors_go_to_login_and_back(browser):
    answer = browser.get("/settings/tokens")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/settings/tokens"
