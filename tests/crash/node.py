"""`flowledger ...` with the pack of the crash harness and, where the environment arms one, a crash point. Everything else is the installed program."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import bootstrap, cli
from engine.application.services import Limits
from engine.jobs import lease
from tests.crash import points

PACK = Path(__file__).parent / "crash_pack"
SNAPSHOT_EVERY = 3  # so that the few records of an order pass through one
LEASE = "FLOWLEDGER_CRASH_LEASE"  # seconds, for short runs; the default is the engine's
OFFSET = "FLOWLEDGER_CRASH_CLOCK"  # a file that holds seconds by which the clock is wrong


def _settings(original: Any) -> Any:
    def settings_of(data: Path, database: str | None) -> bootstrap.Settings:
        return replace(original(data, database), pack_folders=(PACK,), limits=Limits(snapshot_every=SNAPSHOT_EVERY))

    return settings_of


def main() -> None:
    """What the command line says."""
    cli.settings_of = _settings(cli.settings_of)
    if seconds := os.environ.get(LEASE):
        lease.LEASE_SECONDS, lease.RENEW_SECONDS = float(seconds), float(seconds) / 3
    if offset := os.environ.get(OFFSET):
        from tests.support.clock import shift

        shift(Path(offset))
    points.install()
    cli.main()


if __name__ == "__main__":
    main()
