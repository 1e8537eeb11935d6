"""Exclude the scripts that need PyTorch from pytest's search for doctests."""

collect_ignore_glob = ["record_*.py", "generator_listing.py"]
