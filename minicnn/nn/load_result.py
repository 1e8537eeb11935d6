"""What `Module.load_state_dict` returns."""

from typing import NamedTuple

__all__ = ["LoadResult"]


class LoadResult(NamedTuple):
    """The keys that `load_state_dict(strict=False)` ignored."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"
