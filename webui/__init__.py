"""Flask pages and the HTTP API of Flowledger. It calls `engine.bootstrap` and `engine.application`, never the store."""
