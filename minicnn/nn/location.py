"""A note on errors that names the layer that raised them: "raised in layer encoder.0 (Conv2d) of AutoEncoder".

`Module.__call__` catches an error, adds the note and raises the error again.
"""

from typing import Any

__all__ = ["note_layer"]


def note_layer(error: Exception, module: Any) -> None:
    """Add the path of the layer that raised the error, as a note.

    Every module that the error passes calls this, the innermost module first. Each call replaces the note by a note
    with a longer path.
    """
    inner, path, child = vars(error).get("_raised_in", (module, "", None))
    if child is not None:
        name = next((name for name, found in module.named_children() if found is child), None)
        if name is None:  # the module calls `child` but has no attribute for it: the path would have a gap
            return
        if path:
            error.__notes__.pop()
        path = f"{name}.{path}" if path else name
        error.add_note(f"raised in layer {path} ({type(inner).__name__}) of {type(module).__name__}")
    vars(error)["_raised_in"] = inner, path, module
