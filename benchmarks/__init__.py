"""Benchmarks of minicnn against other engines: `make bench`, or `python -m benchmarks --quick`; see README.md."""
