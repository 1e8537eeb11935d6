"""A server of the page with two small models, in a thread."""

import threading

import pytest

import minicnn
from minicnn.imaging.editing import Editor
from minicnn.models import ResidualEditor
from minicnn.page import PageServer


@pytest.fixture
def server():
    minicnn.manual_seed(0)
    editors = {
        "clean": Editor(ResidualEditor(width=4, blocks=1).eval(), {"task": "denoise"}),
        "large": Editor(ResidualEditor(width=4, blocks=1, scale=2).eval(), {"task": "enlarge-x2"}),
    }
    with PageServer(editors) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
