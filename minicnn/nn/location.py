"""The place of an error in a model: "raised in layer encoder.0 (Conv2d) of AutoEncoder"."""

from typing import Any

__all__ = ["note_layer"]


def note_layer(error: Exception, module: Any) -> None:
    """Add a note to an error on its way out of a module's call: the path of the layer that raised it.

    Every module on the way out calls this, the innermost first. Each replaces the note by one with a longer path.
    """
    inner, path, child = vars(error).get("_raised_in", (module, "", None))
    if child is not None:
        name = next((name for name, found in module.named_children() if found is child), None)
        if name is None:  # called, but not registered: the path would have a gap
            return
        if path:
            error.__notes__.pop()
        path = f"{name}.{path}" if path else name
        error.add_note(f"raised in layer {path} ({type(inner).__name__}) of {type(module).__name__}")
    vars(error)["_raised_in"] = inner, path, module
