"""Speed of the engine, measured the way that users meet it: `make bench`. Explained in docs/benchmarks.md."""
