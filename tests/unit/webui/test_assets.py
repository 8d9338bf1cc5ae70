"""Names of bundles become tags with hashed file names, styles of imports included."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from flask import Flask

from webui import assets

MANIFEST = {
    "src/modeler/index.js": {
        "file": "assets/modeler-AA.js",
        "isEntry": True,
        "imports": ["_shared-BB.js", "_canvas-CC.js"],
        "css": ["assets/modeler-DD.css"],
    },
    "_canvas-CC.js": {"file": "assets/canvas-CC.js", "imports": ["_shared-BB.js"], "css": ["assets/canvas-EE.css"]},
    "_shared-BB.js": {"file": "assets/shared-BB.js"},
}


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    monkeypatch.setattr(assets, "DIST", tmp_path)
    return tmp_path


@pytest.fixture
def context():
    with Flask("webui").test_request_context("/"):
        yield


def test_tags_hold_every_style_once_imports_first_and_the_script_last(dist, context):
    assert assets.asset_tags("modeler").splitlines() == [
        '<link rel="stylesheet" href="/static/dist/assets/canvas-EE.css">',
        '<link rel="stylesheet" href="/static/dist/assets/modeler-DD.css">',
        '<link rel="modulepreload" href="/static/dist/assets/shared-BB.js">',
        '<link rel="modulepreload" href="/static/dist/assets/canvas-CC.js">',
        '<script type="module" src="/static/dist/assets/modeler-AA.js"></script>',
    ]


def test_url_of_a_bundle(dist, context):
    assert assets.asset_url("modeler") == "/static/dist/assets/modeler-AA.js"


def test_an_application_below_a_path_keeps_its_prefix(dist):
    with Flask("webui").test_request_context("/", base_url="http://localhost/flow/"):
        assert assets.asset_url("modeler") == "/flow/static/dist/assets/modeler-AA.js"


def test_unknown_bundle_names_those_that_exist(dist, context):
    with pytest.raises(assets.AssetMissing, match=r"no bundle src/tetris/index\.js; it has: src/modeler/index\.js"):
        assets.asset_tags("tetris")


def test_missing_build_says_what_to_do(tmp_path, monkeypatch, context):
    monkeypatch.setattr(assets, "DIST", tmp_path)
    with pytest.raises(assets.AssetMissing, match="make bundle"):
        assets.asset_tags("base")


def test_a_new_build_is_seen_without_a_restart(dist, context):
    import os

    assert "AA" in assets.asset_url("modeler")
    manifest = dist / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("AA", "ZZ"), encoding="utf-8")
    os.utime(manifest, ns=(1, 1))
    assert "ZZ" in assets.asset_url("modeler")


def test_a_browser_that_takes_gzip_gets_the_smaller_file(tmp_path):
    (tmp_path / "a.css").write_text("body{}" * 500)
    (tmp_path / "a.css.gz").write_bytes(gzip.compress(b"body{}" * 500))
    app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")
    app.view_functions["static"] = assets.send
    client = app.test_client()
    small = client.get("/static/a.css", headers={"Accept-Encoding": "gzip, br"})
    large = client.get("/static/a.css", headers={"Accept-Encoding": "identity"})
    assert (small.headers["Content-Encoding"], small.mimetype) == ("gzip", "text/css")
    assert gzip.decompress(small.data) == large.data
    assert "Content-Encoding" not in large.headers
    assert client.get("/static/../a.css.gz").status_code == 404
