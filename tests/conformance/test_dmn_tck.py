"""The runner of the DMN conformance kit, and the kit itself where a copy of it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance import dmn_tck as tck

MODEL = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:t">
<inputData id="i" name="age"><variable name="age" typeRef="number"/></inputData>
<decision id="a" name="adult"><variable name="adult"/><informationRequirement><requiredInput href="#i"/></informationRequirement>
<literalExpression><text>age &gt;= 18</text></literalExpression></decision></definitions>"""
CASES = """<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema"><modelName>m.dmn</modelName>{}</testCases>"""
CASE = """<testCase id="{}"><inputNode name="age"><value xsi:type="xsd:decimal">{}</value></inputNode>
<resultNode name="{}" type="decision"><expected><value xsi:type="xsd:boolean">{}</value></expected></resultNode></testCase>"""


def small_kit(folder: Path, wrong: str = "false") -> Path:
    for level in tck.LEVELS:
        group = folder / "TestCases" / level / "0001-own"
        group.mkdir(parents=True, exist_ok=True)
        (group / "m.dmn").write_text(MODEL, "utf-8")
        both = CASE.format("001", 20, "adult", "true") + CASE.format("002", 2, "adult", wrong)
        (group / "0001-own-test-01.xml").write_text(CASES.format(both), "utf-8")
    return folder


def test_the_runner_names_what_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tck.VARIABLE, str(small_kit(tmp_path, wrong="true")))
    kit = tck.kit_from_environment()
    assert kit == tmp_path / "TestCases"
    outcomes = tck.run(kit)
    assert [(one.name, bool(one.why)) for one in outcomes] == [("0001-own-test-01/001", False), ("0001-own-test-01/002", True)] * 2
    assert not tck.enough(outcomes)
    written = tck.report(outcomes, tck.fingerprint(kit))
    assert "| compliance-level-2 | 1 | 2 | 1 | 1 | 50.0% |" in written
    assert "| 0001-own | 0001-own-test-01/002 | adult: expected True, got False |" in written


def test_the_command_writes_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(tck.VARIABLE, str(small_kit(tmp_path) / "TestCases"))
    monkeypatch.setattr(tck, "REPORT", tmp_path / "report.md")
    assert tck.main(["--report"]) == 0
    assert "None." in (tmp_path / "report.md").read_text("utf-8")
    assert "compliance-level-3: 2 of 2 test cases" in capsys.readouterr().out


def test_a_path_without_a_kit_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tck.VARIABLE, str(tmp_path))
    with pytest.raises(FileNotFoundError):
        tck.kit_from_environment()
    monkeypatch.delenv(tck.VARIABLE)
    assert tck.main([]) == 2


def test_the_kit_passes_and_the_report_is_up_to_date() -> None:
    kit = tck.kit_from_environment()
    if kit is None:
        pytest.skip(f"{tck.VARIABLE} is not set: the kit is not part of this project, get it from github.com/dmn-tck/tck; docs/conformance-dmn.md")
    outcomes = tck.run(kit)
    assert tck.enough(outcomes), [f"{one.group}/{one.name}: {one.why}" for one in outcomes if one.why]
    mark, written = tck.fingerprint(kit), tck.REPORT.read_text("utf-8")
    if mark in written:  # the copy that the report was made with
        assert tck.report(outcomes, mark) == written, "docs/conformance-dmn.md is not up to date; make tck"
