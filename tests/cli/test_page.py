"""Tests of `minicnn page`: names of models, the address, and mistakes. tests/page tests the page itself."""

import shutil
import socket

import pytest

from minicnn.imaging import editing
from minicnn.page import PageServer


@pytest.fixture
def stopped(monkeypatch):
    """End the server at once, as Ctrl-C does, and return the servers that were started."""
    servers = []

    def serve(self):
        servers.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(PageServer, "serve_forever", serve)
    return servers


def test_the_address_is_printed_and_opened(run, model, tmp_path, stopped, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    (tmp_path / "sharp").mkdir()
    shutil.copy(model, tmp_path / "sharp" / "model.safetensors")
    shutil.copy(model, tmp_path / "clean.safetensors")
    result = run("page", tmp_path / "clean.safetensors", tmp_path / "sharp" / "model.safetensors")
    assert (result.code, result.err) == (130, "\nminicnn page: the page is closed\n")
    (server,) = stopped
    assert result.out.splitlines()[0] == server.url == opened[0]
    assert list(server.models) == ["clean", "sharp"]
    assert not server.folder.exists()
    run("page", model, "--no-browser")
    assert len(opened) == 1


def test_trained_models_are_offered(run, mistake, model, tmp_path, stopped, monkeypatch):
    monkeypatch.setattr(editing, "TRAINED", tmp_path)
    model.rename(tmp_path / "clean.safetensors")
    run("page", "--no-browser")
    assert list(stopped[0].models) == ["clean"]
    monkeypatch.setattr(editing, "TRAINED", tmp_path / "none")
    assert "no trained models come with this installation; name a" in mistake("page")


def test_mistakes(mistake, model, tmp_path):
    assert "there is no file" in mistake("page", tmp_path / "none.safetensors")
    assert "two models have the same name" in mistake("page", model, model)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"--port: {port} cannot be used (" in mistake("page", model, "--port", port)
    assert "--port: 99999 cannot be used" in mistake("page", model, "--port", 99999)
