"""Tests of the recipe for pictures of emoji."""

import io
import json
import tarfile

import numpy as np
from PIL import Image

from recipes.emoji import write


def test_pictures_are_sorted_into_groups_and_put_on_white(tmp_path):
    def one(image, category, *, there=True):
        return {"image": image, "category": category, "has_img_google": there, "has_img_twitter": True}

    emoji = [
        one("1f600.png", "Smileys & Emotion"),
        one("1f436.png", "Animals & Nature"),
        one("1f437.png", "Animals & Nature", there=False),
        one("1f3fb.png", "Component"),
    ]
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[0, 0] = 255, 0, 0, 255
    picture[0, 1] = 0, 0, 0, 102  # 40 % of black
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        files = {"emoji.json": json.dumps(emoji).encode()}
        files |= {f"img/google/64/{e['image']}": file.getvalue() for e in emoji if e["has_img_google"]}
        for name, content in files.items():
            about = tarfile.TarInfo(f"package/{name}")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    write(tmp_path / "a.tgz", "google", tmp_path / "out")
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png"))
    assert found == ["google-animals-nature/1f436.png", "google-smileys-emotion/1f600.png"]
    with Image.open(tmp_path / "out" / found[1]) as opened:
        assert opened.mode == "RGB"
        expected = [[[255, 0, 0], [153, 153, 153]], [[255] * 3, [255] * 3]]
        np.testing.assert_array_equal(np.asarray(opened), expected)
