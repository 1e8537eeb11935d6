"""Tests of the parts that all training commands share."""

import pytest

from minicnn.cli.training import check_folder, check_settings, resumable, saved_settings
from minicnn.errors import DataError


def test_settings_are_written_and_compared(tmp_path):
    path = tmp_path / "run" / "settings.json"
    check_settings(path, {"steps": 3, "width": 4}, resume=False)
    assert saved_settings(path) == {"steps": 3, "width": 4}
    check_settings(path, {"steps": 3, "width": 4}, resume=True)
    with pytest.raises(DataError, match=r"began with width 4 \(now 8\), depth None \(now 1\); use the same"):
        check_settings(path, {"steps": 3, "width": 8, "depth": 1}, resume=True)
    path.write_text("[")
    with pytest.raises(DataError, match="the settings of the training, cannot be read"):
        saved_settings(path)


def test_a_checkpoint_is_needed_exactly_to_resume(tmp_path):
    check_folder(tmp_path, resume=False)
    with pytest.raises(DataError, match="leave --resume out to begin"):
        check_folder(tmp_path, resume=True)
    (tmp_path / "checkpoint.safetensors").touch()
    check_folder(tmp_path, resume=True)
    with pytest.raises(DataError, match="exists already; add --resume"):
        check_folder(tmp_path, resume=False)


@pytest.mark.parametrize(
    ("checkpoint", "message", "told"),
    [
        (False, "", ""),
        (False, "stopped", "stopped"),
        (True, "step 3", "step 3: add --resume to the same command"),
        (True, "", "stopped: add --resume to the same command"),
    ],
)
def test_ctrl_c_tells_how_to_go_on(tmp_path, checkpoint, message, told):
    if checkpoint:
        (tmp_path / "checkpoint.safetensors").touch()
    with pytest.raises(KeyboardInterrupt) as caught, resumable(tmp_path):
        raise KeyboardInterrupt(*([message] if message else []))
    assert str(caught.value) == told


def test_settings_without_steps_are_damaged(tmp_path):
    for text in ("{}", '{"steps": "a"}'):
        (tmp_path / "settings.json").write_text(text)
        with pytest.raises(DataError, match="the settings of the training, cannot be read"):
            saved_settings(tmp_path / "settings.json")
