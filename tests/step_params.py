"""Build the parameters of an optimizer's step from a dictionary."""

from typing import Any

from minicnn.backends.step_options import AdamOptions, SGDOptions


def packed(params: dict[str, Any]) -> dict[str, Any]:
    """Put the options of Adam or SGD into AdamOptions or SGDOptions; keep the other entries (`steps`, `shares`)."""
    kind = AdamOptions if "beta1" in params else SGDOptions
    options = kind(**{name: params[name] for name in kind._fields})
    return {"options": options, **{name: value for name, value in params.items() if name not in kind._fields}}
