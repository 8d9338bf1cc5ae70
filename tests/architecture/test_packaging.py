"""What ships and how: the distribution's metadata, the lock files, the licence, the tree itself."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ["requirements.lock", "requirements-dev.lock", "webui/frontend/package-lock.json"]


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in done.stdout.decode().split("\0") if name]


def modes() -> list[tuple[str, str]]:
    done = subprocess.run(["git", "ls-files", "-s", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [(line.split(" ", 1)[0], line.split("\t", 1)[1]) for line in done.stdout.decode().split("\0") if line]


def test_exactly_the_four_packages_ship_and_never_the_tests():
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["engine", "processes", "forms", "webui"]


def test_the_built_bundle_and_fonts_ship_although_git_ignores_them():
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["artifacts"] == ["webui/static/dist/**", "processes/service_report/fonts/**"]
    ignored = subprocess.run(
        ["git", "check-ignore", "webui/static/dist/manifest.json", "processes/service_report/fonts/x.ttf", "webui/frontend/node_modules"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert len(ignored.stdout.splitlines()) == 3


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_files_name_no_host(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert '"resolved"' not in text
    hosts = {host for host in re.findall(r"https?://([^/\s\"]+)", text) if "/" not in host}
    # Funding links of npm packages are addresses of people, not of a registry.
    assert not {host for host in hosts if re.search(r"registry|npmjs|pypi|pythonhosted|mirror|artifact", host)}


@pytest.mark.parametrize("lock", LOCKS[:2])
def test_every_locked_package_has_a_hash(lock):
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8").strip())
    assert len(entries) > 40
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_run_lock_holds_what_the_project_needs_and_the_dev_lock_holds_it_too():
    def names(lock: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))

    run, dev = names(LOCKS[0]), names(LOCKS[1])
    wanted = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower().replace("_", "-") for requirement in PROJECT["project"]["dependencies"]}
    assert wanted <= run.keys()
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


def test_the_interpreter_and_the_sandbox_are_pinned_exactly():
    pinned = [requirement for requirement in PROJECT["project"]["dependencies"] if "==" in requirement]
    assert [re.split("==", requirement)[0] for requirement in pinned] == ["SpiffWorkflow", "pydantic-monty"]


def test_licence_is_apache_in_full():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_nothing_built_no_link_and_no_huge_file_is_tracked():
    assert [name for mode, name in modes() if mode == "120000"] == []
    assert [name for name in tracked() if "node_modules" in name or name.startswith(("webui/static/dist/", "var/", ".venv/"))] == []
    assert [name for name in tracked() if (ROOT / name).is_file() and (ROOT / name).stat().st_size > 2_000_000] == []


def test_scripts_are_executable_and_plain_bash():
    scripts = [name for name in tracked() if name.startswith((".ci/", "tools/")) and not name.endswith(".py")]
    assert ".ci/run" in scripts
    for name in scripts:
        assert (ROOT / name).read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n"), name
    assert [name for mode, name in modes() if name in scripts and mode != "100755"] == []


def test_no_merge_left_its_marks():
    done = subprocess.run(["git", "grep", "-lE", "^(<{7}|>{7}) "], cwd=ROOT, capture_output=True, check=False)
    assert done.stdout.decode() == ""
