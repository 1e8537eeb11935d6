"""Tests of the page's server: every request, and requests that it must refuse."""

import http.client
import io
import json
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from minicnn.imaging.editing import edit
from minicnn.page import PageServer

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def png(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def ask(server):
    """Send a request, and return status, headers and content."""

    def ask(method, place, body=b"", headers=None, word=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        connection.request(method, f"/{word or server.word}/{place}", body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    return ask


def sent(ask, content=None, name="a.png"):
    status, _, answer = ask("POST", f"photo?name={name}", content or png(PIXELS))
    assert status == 200
    return json.loads(answer)


def picture(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def test_the_page_and_its_models(server, ask):
    status, headers, page = ask("GET", "")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b"<title>minicnn: edit a photo</title>" in page
    assert json.loads(ask("GET", "models")[2]) == [
        {"name": "clean", "task": "denoise", "summary": "", "thumbnail": ""},
        {"name": "large", "task": "enlarge-x2", "summary": "", "thumbnail": ""},
    ]
    assert urlsplit(server.url).hostname == "127.0.0.1"
    assert len(server.word) >= 32


def test_a_photo_is_edited_and_saved(server, ask):
    photo = sent(ask, png(PIXELS, dpi=(300, 300)), "my%20photo.png")
    assert (photo["width"], photo["height"], photo["frames"]) == (30, 20, 1)
    np.testing.assert_array_equal(picture(ask("GET", f"photo?id={photo['id']}")[2]), PIXELS)
    assert ask("POST", f"edit?id={photo['id']}&model=clean")[0] == 200
    expected = edit(server.models["clean"].model, PIXELS.transpose(2, 0, 1)).transpose(1, 2, 0)
    np.testing.assert_array_equal(picture(ask("GET", f"edited?id={photo['id']}")[2]), expected)
    _, headers, content = ask("GET", f"file?id={photo['id']}")
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''my%20photo-edited.png"
    np.testing.assert_array_equal(picture(content), expected)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert json.loads(ask("GET", f"progress?id={photo['id']}")[2]) == 1


def test_a_mask_and_a_strength(server, ask):
    photo = sent(ask)
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 5:10] = 255
    assert ask("POST", f"edit?id={photo['id']}&model=clean&strength=0.5", png(mask))[0] == 200
    edited = picture(ask("GET", f"edited?id={photo['id']}")[2])
    full = edit(server.models["clean"].model, PIXELS.transpose(2, 0, 1), strength=0.5).transpose(1, 2, 0)
    np.testing.assert_array_equal(edited[mask == 0], PIXELS[mask == 0])
    np.testing.assert_array_equal(edited[mask > 0], full[mask > 0])


@pytest.mark.parametrize("best", [0, 1])
def test_the_best_result(server, ask, best):
    photo = sent(ask)
    ask("POST", f"edit?id={photo['id']}&model=large&best={best}")
    expected = edit(server.models["large"].model, PIXELS.transpose(2, 0, 1), best=bool(best)).transpose(1, 2, 0)
    np.testing.assert_array_equal(picture(ask("GET", f"edited?id={photo['id']}")[2]), expected)


def test_an_animation_comes_back_as_one(ask):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    photo = sent(ask, file.getvalue(), "a.gif")
    assert photo["frames"] == 2
    ask("POST", f"edit?id={photo['id']}&model=clean")
    _, headers, content = ask("GET", f"file?id={photo['id']}")
    assert headers["Content-Disposition"].endswith("a-edited.gif")
    with Image.open(io.BytesIO(content)) as image:
        assert image.n_frames == 2


@pytest.mark.parametrize(
    ("method", "place", "body", "text"),
    [
        ("POST", "photo?name=a.png", b"hello", "read_photo: 'a.png' is not an image of a known format"),
        ("POST", "photo?name=a.png", b"", "'a.png' is empty"),
        ("POST", "photo", png(PIXELS), "missing: 'name'"),
        ("GET", "photo?id=none", b"", "missing: 'none'"),
        ("GET", "file?id={id}", b"", "this photo is not edited yet"),
        ("POST", "edit?id={id}&model=none", b"", "there is no model 'none'"),
        ("POST", "edit?id={id}&model=clean&strength=2", b"", "edit: strength must be from 0"),
        ("POST", "edit?id={id}&model=clean&strength=x", b"", "could not convert string to float"),
        ("POST", "edit?id={id}&model=clean", png(PIXELS[:5]), "the mask must be (20, 30)"),
    ],
)
def test_mistakes_are_answered(ask, method, place, body, text):
    status, _, answer = ask(method, place.format(id=sent(ask)["id"]), body)
    assert status == 400
    assert text in answer.decode()


@pytest.mark.parametrize("place", ["nothing", "../", "photo/"])
def test_other_places_do_not_exist(ask, place):
    assert ask("GET", place)[0] == 404
    assert ask("POST", place)[0] == 404


def test_requests_without_the_word_or_for_another_host_are_refused(server, ask):
    assert ask("GET", "", word="guess")[0] == 404
    assert ask("GET", "models", headers={"Host": f"evil.example:{server.server_port}"})[0] == 404
    assert ask("GET", "models", headers={"Host": f"localhost:{server.server_port}"})[0] == 200


def test_too_large_a_photo_is_refused_before_it_is_read(ask):
    assert ask("POST", "photo?name=a.png", headers={"Content-Length": str(1 << 30)})[0] == 404


def test_files_are_removed_at_the_end(server):
    with PageServer(server.models) as other:
        folder = other.folder
        other.add("a.png", png(PIXELS))
        assert list(folder.iterdir())
    assert not folder.exists()
