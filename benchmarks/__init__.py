"""minicnn against its peers: `make bench`, or `python -m benchmarks --quick`; README.md says how it is measured."""
