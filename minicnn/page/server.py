"""The server of the page: for this computer alone, behind a random word in its address.

    GET  /WORD/                                      the page
    GET  /WORD/models                                the models, as JSON
    POST /WORD/photo?name=holiday.jpg                a photo; the answer is JSON with its id, size and frames
    GET  /WORD/photo?id=ID                           the photo as a PNG that a browser can show
    POST /WORD/edit?id=ID&model=M&strength=S&best=0  edit it; the content is a PNG of the mask, or empty
    GET  /WORD/progress?id=ID                        from 0 to 1, as JSON
    GET  /WORD/edited?id=ID                          the result as a PNG that a browser can show
    GET  /WORD/file?id=ID                            the result at full quality, in the format of the photo

Errors of the user are answers with status 400 and a text.
"""

import json
import secrets
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
from numpy.typing import NDArray

from minicnn.data import PHOTO_SUFFIXES, Photo, read_image, read_photo, write_photo
from minicnn.errors import DataError, MiniCNNError
from minicnn.imaging.editing import Editor
from minicnn.imaging.photo_editing import edit_photo

__all__ = ["PageServer"]

PAGE = Path(__file__).with_name("page.html")
MAX_BYTES = 1 << 29  # of a photo
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' blob: data:; connect-src 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass
class _Work:
    """A photo that the page has sent, and its result."""

    name: str
    source: Path
    photo: Photo
    progress: float = 0
    result: Path | None = None


class PageServer(ThreadingHTTPServer):
    """Serve the page on 127.0.0.1. `serve_forever` runs it; use it in a `with` block, which removes all files.

    Parameters
    ----------
    models : dict of str to Editor
        The models that the page offers, by name.
    port : int
        0: a free port.

    Attributes
    ----------
    url : str
        The address of the page, with its random word.

    Raises
    ------
    OSError
        If the port is in use.
    """

    daemon_threads = True

    def __init__(self, models: Mapping[str, Editor], port: int = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="minicnn-page-")  # first: a failure below removes it
        self.folder = Path(self._folder.name)
        super().__init__(("127.0.0.1", port), _Handler)
        self.models = dict(models)
        self.word = secrets.token_urlsafe(24)
        self.url = f"http://127.0.0.1:{self.server_port}/{self.word}/"
        self.works: dict[str, _Work] = {}
        self.editing = threading.Lock()  # one photo at a time: each uses all cores

    def server_close(self) -> None:
        """Close the socket and remove all photos."""
        super().server_close()
        self._folder.cleanup()

    # --- the requests of the page --------------------------------------------------------------------------------

    def add(self, name: str, content: bytes) -> dict[str, Any]:
        """Take a photo, and return its id, size and number of frames.

        Raises
        ------
        DataError
            If the photo cannot be read.
        """
        key = secrets.token_urlsafe(12)
        source = self.folder / f"{key}{Path(name).suffix}"
        source.write_bytes(content)
        try:
            photo = read_photo(source)
        except MiniCNNError as error:
            source.unlink()
            raise DataError(str(error).replace(str(source), name)) from error
        self.works[key] = _Work(Path(name).name, source, photo)
        height, width = photo.frames[0].samples.shape[:2]
        return {"id": key, "width": width, "height": height, "frames": len(photo.frames)}

    def edit(self, work: _Work, model: str, strength: float, best: bool, mask: bytes) -> None:
        """Edit a photo.

        Raises
        ------
        DataError
            If there is no such model.
        """
        if model not in self.models:
            raise DataError(f"there is no model {model!r}")
        weights = self._mask(work, mask) if mask else None
        with self.editing:
            work.progress = 0

            def progress(part: float) -> None:
                work.progress = part

            editor = self.models[model]
            edited = edit_photo(
                editor.model,
                work.photo,
                mask=weights,
                strength=strength,
                best=best,
                progress=progress,
            )
            suffix = work.source.suffix if work.source.suffix.lower() in PHOTO_SUFFIXES else ".png"
            result = work.source.with_name(f"{work.source.stem}-edited{suffix}")
            write_photo(result, edited)
            work.result = result

    def _mask(self, work: _Work, content: bytes) -> NDArray[np.float32]:
        path = work.source.with_suffix(".mask")
        path.write_bytes(content)
        try:
            mask: NDArray[np.float32] = read_image(path, "grey")[0]
        finally:
            path.unlink()
        return mask

    def shown(self, path: Path) -> bytes:
        """Return the first frame of a file as a PNG in sRGB with 8 bits, for the browser."""
        from PIL import Image

        pixels = np.rint(255 * read_image(path)).astype(np.uint8).transpose(1, 2, 0)
        file = BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=1)
        return file.getvalue()


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Write no log: it would hold the random word."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, method: Any) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        parts = urlsplit(self.path)
        prefix = f"/{self.server.word}/"
        # Another name in Host: a foreign page made its own name point to this computer.
        if host not in ("127.0.0.1", "localhost") or not parts.path.startswith(prefix) or length > MAX_BYTES:
            self.close_connection = True
            self._send(b"not found", "text/plain", status=HTTPStatus.NOT_FOUND)
            return
        body = self.rfile.read(length)
        values = {name: found[0] for name, found in parse_qs(parts.query).items()}
        try:
            method(parts.path.removeprefix(prefix), values, body)
        except (MiniCNNError, KeyError, ValueError) as error:
            text = f"missing: {error}" if isinstance(error, KeyError) else str(error)
            self._send(text.encode(), "text/plain; charset=utf-8", status=HTTPStatus.BAD_REQUEST)
        except MemoryError:
            self._send(b"there is not enough memory for this photo", "text/plain", status=HTTPStatus.BAD_REQUEST)

    def _get(self, place: str, values: dict[str, str], body: bytes) -> None:
        server = self.server
        if place == "":
            self._send(PAGE.read_bytes(), "text/html; charset=utf-8")
        elif place == "models":
            keys = ("task", "summary", "thumbnail")
            self._send_json([{"name": n, **{k: e.about.get(k, "") for k in keys}} for n, e in server.models.items()])
        elif place == "photo":
            self._send(server.shown(server.works[values["id"]].source), "image/png")
        elif place == "progress":
            self._send_json(server.works[values["id"]].progress)
        elif place in ("edited", "file"):
            work = server.works[values["id"]]
            if work.result is None:
                raise DataError("this photo is not edited yet")
            if place == "edited":
                self._send(server.shown(work.result), "image/png")
            else:
                name = quote(f"{Path(work.name).stem}-edited{work.result.suffix}")
                attachment = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
                self._send(work.result.read_bytes(), "application/octet-stream", attachment)
        else:
            self._send(b"not found", "text/plain", status=HTTPStatus.NOT_FOUND)

    def _post(self, place: str, values: dict[str, str], body: bytes) -> None:
        server = self.server
        if place == "photo":
            self._send_json(server.add(values["name"], body))
        elif place == "edit":
            work, strength = server.works[values["id"]], float(values.get("strength", "1"))
            server.edit(work, values["model"], strength, values.get("best") == "1", body)
            self._send_json("done")
        else:
            self._send(b"not found", "text/plain", status=HTTPStatus.NOT_FOUND)

    def _send_json(self, value: Any) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _send(
        self,
        content: bytes,
        kind: str,
        headers: Mapping[str, str] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> None:
        self.send_response(status)
        for name, value in {
            **HEADERS,
            **(headers or {}),
            "Content-Type": kind,
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
