"""Operations: primitives with their gradients, and the public functions built from them."""

__all__: list[str] = []
