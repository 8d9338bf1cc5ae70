"""Checks that need no database: whose `engine` it is, versions, packs, sandbox, front end, the data folder."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

import engine
from engine.bootstrap import Settings
from engine.errors import ExpressionError, FlowledgerError
from engine.expressions import SandboxEvaluator
from engine.model.findings import Finding, fault, fine, warning
from engine.plugins.loading import WEB, catalogue, load
from engine.store import addresses

PACKAGES = ("engine", "forms", "processes", "webui")
LITTLE_SPACE = 1_000_000_000
NO_SPACE = 200_000_000
REINSTALL = (
    "重新安装：pip install --force-reinstall flowledger（开发环境：make run）。",
    "Install again: pip install --force-reinstall flowledger (in a clone: make run).",
)
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "vboxsf", "afs", "ceph"})


def packages() -> Iterator[Finding]:
    """The names are generic: another distribution with an `engine` would be imported instead of ours, or will be after the next update."""
    owners = metadata.packages_distributions()
    clash = {name: sorted({o for o in owners.get(name, ()) if o.lower() != "flowledger"}) for name in PACKAGES}
    clash = {name: others for name, others in clash.items() if others}
    if clash:
        told = "; ".join(f"{name}: {', '.join(others)}" for name, others in clash.items())
        yield fault(
            "packages",
            (f"别的发行包也提供同名的包：{told}。", f"Other distributions bring packages of the same name: {told}."),
            ("给 Flowledger 一个单独的虚拟环境。", "Give Flowledger a virtual environment of its own."),
        )
    folders = {name: Path(spec.origin or "").resolve().parent for name in PACKAGES if (spec := find_spec(name))}
    home = Path(engine.__file__).resolve().parent.parent
    strangers = sorted(str(folder) for folder in folders.values() if folder.parent != home)
    if strangers or len(folders) != len(PACKAGES):
        missing = ", ".join(sorted(set(PACKAGES) - set(folders)) + strangers)
        yield fault(
            "packages",
            (f"包不在一处或缺失：{missing}。", f"Packages are missing or come from another place: {missing}."),
            ("从别的文件夹运行，或清除 PYTHONPATH；否则重新安装。", "Run it from another folder, or unset PYTHONPATH; else install again."),
        )
        return
    if not clash:
        yield fine("packages", f"engine 是 Flowledger {engine.__version__}（{home}）。", f"engine is Flowledger {engine.__version__} ({home}).")


def versions() -> Iterator[Finding]:
    """Python and every library against what the distribution asks for."""
    found = sys.version_info[:3]
    if found < (3, 11):
        yield fault(
            "versions", ("Python 版本低于 3.11。", "Python is older than 3.11."), ("安装 Python 3.11 或更新的版本。", "Install Python 3.11 or newer.")
        )
    wrong = [text for line in metadata.requires("flowledger") or () if (text := _unmet(Requirement(line)))]
    if wrong:
        told = "; ".join(wrong)
        yield fault("versions", (f"库的版本不符：{told}。", f"Libraries do not have the versions that are needed: {told}."), REINSTALL, wrong=wrong)
        return
    spiff = metadata.version("SpiffWorkflow")
    yield fine(
        "versions",
        f"Python {sys.version.split()[0]}，SpiffWorkflow {spiff}，各库版本相符。",
        f"Python {sys.version.split()[0]}, SpiffWorkflow {spiff}, all libraries fit.",
    )


def _unmet(wanted: Requirement) -> str | None:
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return None
    try:
        present = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"{wanted.name} (missing, {wanted.specifier})"
    return None if wanted.specifier.contains(present, prereleases=True) else f"{wanted.name} {present} ({wanted.specifier})"


def packs() -> Iterator[Finding]:
    """Every installed pack loads; what a pack checks itself follows."""
    try:
        found = catalogue()
    except Exception as exc:  # noqa: BLE001 - a pack may raise anything
        cause = str(exc) if isinstance(exc, FlowledgerError) else f"{type(exc).__name__}: {exc}"
        advice = (
            "更新或卸载出错的流程包（pip list 可见），再运行一次。",
            "Update or uninstall the pack that fails (see pip list), then run this again.",
        )
        yield fault("packs", (f"流程包无法加载：{cause}", f"A pack cannot be loaded: {cause}"), advice)
        return
    names = ", ".join(f"{pack.name} {pack.version}" for pack in found.packs) or "-"
    yield fine("packs", f"流程包：{names}。", f"Packs: {names}.")
    for pack in found.packs:
        if pack.doctor is not None:
            yield from load(pack.doctor)()


def sandbox() -> Iterator[Finding]:
    """An expression runs in a worker process, and one that reaches for files does not."""
    evaluator = SandboxEvaluator(processes=1, direct=False)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        right = evaluator.evaluate("sum(values)", {"values": [40, 2]}, {}, now).value == 42
        try:
            evaluator.evaluate("open('/etc/passwd').read()", {}, {}, now)
            right = False
        except ExpressionError:
            pass
    except FlowledgerError as exc:
        cause = exc.data.get("cause", type(exc).__name__)
        advice = ("重新安装 pydantic-monty；确认可以启动子进程。", "Install pydantic-monty again; see that processes may be started here.")
        yield fault("sandbox", (f"表达式沙箱不能运行：{cause}", f"The sandbox of expressions cannot run: {cause}"), advice)
        return
    finally:
        evaluator.close()
    if right:
        yield fine("sandbox", "表达式沙箱工作正常。", "The sandbox of expressions works.")
    else:
        yield fault("sandbox", ("表达式沙箱给出错误的结果。", "The sandbox of expressions gives a wrong answer."), REINSTALL)


def front_end() -> Iterator[Finding]:
    """The built bundle of the installed web application is complete."""
    package = _web()
    if package is None:
        yield warning("front_end", ("没有安装网页应用。", "No web application is installed."), REINSTALL)
        return
    spec = find_spec(package)
    dist = Path(spec.origin if spec and spec.origin else "").parent / "static" / "dist"
    try:
        listed = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        advice = ("开发环境运行 make bundle；否则重新安装发行包。", "In a clone run make bundle; else install the wheel again.")
        yield fault("front_end", (f"前端文件缺失：{dist}。", f"The built front end is missing: {dist}."), advice)
        return
    files = {name for chunk in listed.values() for name in (chunk["file"], *chunk.get("css", ()))}
    gone = sorted(name for name in files if not (dist / name).is_file())
    if gone:
        yield fault("front_end", (f"前端文件不全：{', '.join(gone)}。", f"Files of the front end are missing: {', '.join(gone)}."), REINSTALL)
    else:
        yield fine("front_end", "前端文件齐全。", "The built front end is complete.")


def _web() -> str | None:
    """The package of the installed web application; the engine must not import it."""
    return next((e.module.partition(".")[0] for e in metadata.entry_points(group=WEB)), None)


def data_folder(settings: Settings) -> Iterator[Finding]:
    """There is an installation; its folder can be written, has space, and lies on a disk of this machine."""
    try:
        url = addresses.read(settings.database)
    except addresses.InvalidAddress:  # `database.reachable` tells it
        return
    sqlite = url.get_backend_name() == "sqlite"
    file = Path(str(url.database)) if sqlite else None
    if file is not None and not file.is_file():
        advice = (
            "用 flowledger install、flowledger demo 或 restore 建立，或用 --data 指出它在哪里。",
            "Make it with flowledger install, flowledger demo or restore, or name its place with --data.",
        )
        yield fault("database", (f"{file} 不存在。", f"{file} does not exist."), advice)
        return
    folder = file.parent if file is not None else settings.data
    if folder is None or not folder.is_dir():
        return
    yield _writable(folder, file)
    yield _space(folder)
    kind = _file_system(folder)
    if sqlite and kind in NETWORK:
        advice = ("把数据文件夹移到本机磁盘，或改用 PostgreSQL。", "Move the data folder to a disk of this machine, or use PostgreSQL.")
        yield fault(
            "file_system",
            (
                f"数据文件夹在网络文件系统上（{kind}），SQLite 的锁在那里不可靠。",
                f"The data folder is on a network file system ({kind}), where SQLite's locks are not reliable.",
            ),
            advice,
        )


def _writable(folder: Path, file: Path | None) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as probe:
            probe.write(b"x")
            probe.flush()
            os.fsync(probe.fileno())
        if file is not None and not os.access(file, os.R_OK | os.W_OK):
            raise PermissionError(f"{file.name}")
    except OSError as exc:
        advice = (f"让运行服务的用户拥有它：chown -R <用户> {folder}。", f"Let the user that runs the server own it: chown -R <user> {folder}.")
        cause = exc.strerror or str(exc)
        return fault("data_folder", (f"不能写入 {folder}：{cause}。", f"{folder} cannot be written: {cause}."), advice)
    return fine("data_folder", f"可以写入 {folder}。", f"{folder} can be written.")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    told = (f"{folder} 所在磁盘还剩 {free / 1e9:.1f} GB。", f"{free / 1e9:.1f} GB are free where {folder} lies.")
    advice = ("腾出空间或换更大的磁盘；磁盘满时不接受任何改动。", "Make room, or use a larger disk; a full one takes no change.")
    if free < LITTLE_SPACE:
        return (fault if free < NO_SPACE else warning)("disk_space", told, advice, free=free)
    return fine("disk_space", *told, free=free)


def _file_system(folder: Path) -> str | None:
    """Its type, on Linux."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    points = [(Path(point.replace("\\040", " ")), kind) for _, point, kind, *_ in (line.split() for line in lines)]
    holding = [(len(point.parts), kind) for point, kind in points if folder.resolve().is_relative_to(point)]
    return max(holding)[1] if holding else None


CHECKS: tuple[Callable[[], Iterable[Finding]], ...] = (packages, versions, packs, sandbox, front_end)
