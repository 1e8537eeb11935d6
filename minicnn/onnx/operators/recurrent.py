"""Recurrent networks."""

__all__: list[str] = []
