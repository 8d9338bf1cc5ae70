"""Service-report management: the process pack of the procedure SMS-服务报告管理程序 (P2 report life cycle, P5 callback)."""
