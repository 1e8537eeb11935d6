"""A note on errors that names the layer that raised them: "raised in layer encoder.0 (Conv2d) of AutoEncoder".

`Module.__call__` catches an error, adds the note and raises the error again.
"""

import weakref
from typing import Any, NamedTuple

from minicnn.errors import MiniCNNError

__all__ = ["note_layer"]


class _Place(NamedTuple):
    """The part of the path that is known so far."""

    layer: str  # the class of the innermost module
    path: str  # its path in `module`
    module: weakref.ref[Any]  # the outermost module that the error has passed
    note: str


# Beside the errors and not in them: so an error keeps no model alive, and can be pickled.
_places: weakref.WeakKeyDictionary[MiniCNNError, _Place] = weakref.WeakKeyDictionary()


def note_layer(error: MiniCNNError, module: Any) -> None:
    """Add the path of the layer that raised the error, as a note.

    Every module that the error passes calls this, the innermost module first. Each call replaces the note by a note
    with a longer path. If a module does not contain the module before it, a new path begins.
    """
    place = _places.get(error)
    inner = None if place is None else place.module()
    name = next((name for name, found in module.named_modules() if found is inner), "") if inner is not None else ""
    if place is None or not name:
        _places[error] = _Place(type(module).__name__, "", weakref.ref(module), "")
        return
    path = f"{name}.{place.path}" if place.path else name
    note = f"raised in layer {path} ({place.layer}) of {type(module).__name__}"
    notes = getattr(error, "__notes__", [])
    if place.note in notes:
        notes[notes.index(place.note)] = note
    else:
        error.add_note(note)
    _places[error] = _Place(place.layer, path, weakref.ref(module), note)
