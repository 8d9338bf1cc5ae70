"""Processes whose work fails: a service task whose pack is not installed, a script that divides by nothing."""

from __future__ import annotations

from tests.support.diagrams import END, START, chain, process, user

DOWN = process(
    START + '<serviceTask id="send" name="发送" flowledger:handler="mail.send"/>' + user("after") + END + chain("start", "send", "after", "end"),
    "down",
)
SCRIPT = process(
    START + '<scriptTask id="sum" name="合计"><script>total = 1 / count</script></scriptTask>' + END + chain("start", "sum", "end"), "sums"
)
