"""What PyTorch runs, by hand, is not for pytest to import when it looks for doctests."""

collect_ignore_glob = ["record_*.py", "generator_listing.py"]
