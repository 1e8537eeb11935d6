"""The operations: primitives with their gradient rules, and the public functions that call them."""

__all__: list[str] = []
