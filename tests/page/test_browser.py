"""Tests of the page in a real browser: Debian's chromium, without a screen. Skipped where it is not installed."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn.data import read_image

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="chromium is not installed"
)
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for word in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "no-first-run",
        "disable-background-networking",
        "disable-sync",
    ):
        options.add_argument(f"--{word}")
    options.add_argument("--window-size=1200,900")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    (tmp_path / "saved").mkdir()
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "saved")})
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield browser
    browser.quit()


@pytest.fixture
def page(server, browser, tmp_path):
    """The page with a photo."""
    browser.get(server.url)
    Image.fromarray(PIXELS).save(tmp_path / "my photo.png")
    find(browser, "open").send_keys(str(tmp_path / "my photo.png"))
    wait(lambda: "90 × 60 pixels" in message(browser))
    return browser


def find(browser, name):
    return browser.find_element("id", name)


def message(browser):
    return find(browser, "message").text


def wait(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the browser did not get there"
        time.sleep(0.05)


def save(browser, folder: Path) -> Path:
    find(browser, "save").click()
    wait(lambda: [p for p in folder.iterdir() if p.suffix == ".png"])
    (path,) = folder.iterdir()
    return path


def test_open_edit_compare_and_save(page, tmp_path):
    assert [o.text for o in find(page, "model").find_elements("tag name", "option")] == [
        "clean (denoise)",
        "large (enlarge-x2)",
    ]
    assert not find(page, "save").is_enabled()
    find(page, "edit").click()
    wait(lambda: "Move the slider" in message(page))
    for place, clip in ((250, "25%"), (900, "90%")):
        page.execute_script(
            "const s = document.getElementById('split'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))",
            place,
        )
        assert clip in page.execute_script("return document.getElementById('after').style.clipPath")
        assert find(page, "divider").get_attribute("style").startswith(f"display: block; left: {clip}")
    path = save(page, tmp_path / "saved")
    assert path.name == "my photo-edited.png"
    assert read_image(path).shape == (3, 60, 90)
    assert not np.array_equal(read_image(path) * 255, PIXELS.transpose(2, 0, 1))


def test_a_painted_mask_keeps_the_rest(page, tmp_path):
    from selenium.webdriver import ActionChains

    mask = find(page, "mask")
    ActionChains(page).move_to_element(mask).click_and_hold().move_by_offset(60, 30).release().perform()
    assert find(page, "clear").is_enabled()
    find(page, "edit").click()
    wait(lambda: "Move the slider" in message(page))
    before = PIXELS.transpose(2, 0, 1)
    changed = (np.rint(read_image(save(page, tmp_path / "saved")) * 255) != before).any(0)
    assert changed[31:33, 46:49].all()
    assert 0 < changed.mean() < 0.1
    assert not changed[:, :30].any()


def test_a_dropped_photo_and_a_strength_of_zero(server, browser, tmp_path):
    browser.get(server.url)
    browser.execute_async_script(
        """
        const done = arguments[0], canvas = Object.assign(document.createElement("canvas"), {width: 7, height: 5});
        canvas.toBlob(blob => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([blob], "drop.png"));
          const drop = new DragEvent("drop", {dataTransfer: transfer, cancelable: true});
          document.querySelector("main").dispatchEvent(drop);
          done();
        });
        """
    )
    wait(lambda: "drop.png: 7 × 5 pixels" in message(browser))
    browser.execute_script(
        "const s = document.getElementById('strength'); s.value = 0; s.dispatchEvent(new Event('input'))"
    )
    assert find(browser, "percent").text == "0 %"
    find(browser, "edit").click()
    wait(lambda: "Move the slider" in message(browser))
    with Image.open(save(browser, tmp_path / "saved")) as image:
        assert np.asarray(image).shape == (5, 7, 4)
        assert not np.asarray(image).any()


def test_a_broken_photo_gets_a_message(server, browser, tmp_path):
    browser.get(server.url)
    (tmp_path / "broken.png").write_text("hello")
    find(browser, "open").send_keys(str(tmp_path / "broken.png"))
    wait(lambda: "'broken.png' is not an image of a known format" in message(browser))
    assert find(browser, "message").get_attribute("class") == "error"
    assert not find(browser, "edit").is_enabled()


def test_nothing_is_asked_of_the_network(page, server):
    names = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert names
    assert [name for name in names if not name.startswith(server.url)] == []
