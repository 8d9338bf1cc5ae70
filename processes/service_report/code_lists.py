"""The open code lists of clause 6.1 (lists that end in 等): rows of a table, versioned, never enums in code."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from processes.service_report.tables import code

CODES: tuple[tuple[str, str, str, str], ...] = (
    ("device", "host", "主机", "Host"),
    ("device", "power", "电源", "Power"),
    ("device", "storage", "存储", "Storage"),
    ("device", "memory", "内存", "Memory"),
    ("device", "dvr", "硬盘录像机", "Digital video recorder"),
    ("device", "camera", "前端摄像头", "Front-end camera"),
    ("device", "seat", "话务座席", "Call-centre seat"),
    ("device", "mas", "MAS 终端", "MAS terminal"),
    ("customer", "government", "政府", "Government"),
    ("customer", "education", "教育", "Education"),
    ("customer", "healthcare", "医疗", "Healthcare"),
    ("customer", "parent_bu", "母公司业务部门", "Parent-company business unit"),
    ("business", "video", "视频监控", "Video surveillance"),
    ("business", "call_centre", "呼叫中心", "Call centre"),
    ("business", "software", "软件平台", "Software platform"),
    ("business", "network", "网络维护", "Network maintenance"),
)


def install(connection: Connection) -> None:
    """Add the codes that the procedure names and that are not there yet; changed or retired ones stay as they are."""
    known = {(dimension, key) for dimension, key in connection.execute(select(code.c.dimension, code.c.code))}
    fresh = [
        {"dimension": dimension, "code": key, "title_zh": zh, "title_en": en, "position": position}
        for position, (dimension, key, zh, en) in enumerate(CODES)
        if (dimension, key) not in known
    ]
    if fresh:
        connection.execute(insert(code), fresh)
