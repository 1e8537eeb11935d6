"""Tests of features that all commands share: help, one-line error messages, exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minicnn.cli import demo
from minicnn.imaging import TASKS

COMMANDS = ("demo", "train", "train pix2pix", "train style", "edit", "page", "info", "kernels", "bench")


def test_help_names_the_commands_and_where_to_begin(run):
    result = run("--help")
    assert result.code == 0
    assert set(COMMANDS) <= {line.strip().split("  ")[0] for line in result.out.splitlines()}
    assert "Begin with 'minicnn demo'" in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_teaches_with_examples(run, command):
    result = run(command, "--help")
    assert result.code == 0
    assert "example" in result.out
    assert f"\n  minicnn {command}" in result.out


def test_the_help_of_train_explains_every_task(run):
    text = run("train", "--help").out
    assert all(f"  {task.name} " in text and task.summary in text for task in TASKS.values())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), r"minicnn: the following arguments are required: COMMAND; see minicnn --help"),
        (("paint",), "minicnn: argument COMMAND: invalid choice: 'paint' "),
        (("train", "p"), "minicnn train: the following arguments are required: --out; see minicnn train --help"),
        (("train", "p", "--out", "o", "--task", "paint"), "argument --task: invalid choice: 'paint' "),
        (("edit",), "minicnn edit: the following arguments are required: MODEL, IMAGE; see minicnn edit --help"),
        (("edit", "m", "i", "--out", "o", "--format", "bmp"), "argument --format: invalid choice: 'bmp' "),
        (("demo", "--fast"), "minicnn: unrecognized arguments: --fast; see minicnn --help"),
    ],
)
def test_wrong_arguments(mistake, arguments, line):
    assert line in mistake(*arguments)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device"), "No space left on device; check the path, its permissions and the"),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied '/x'; check the path, its permissions"),
        (OSError("strange"), "strange; check the path"),
        (MemoryError("Unable to allocate 9 GiB"), r"not enough memory (Unable to allocate 9 GiB); use smaller"),
        (MemoryError(), "not enough memory (refused); use smaller images, patches or batches"),
    ],
)
def test_what_the_system_refuses(mistake, monkeypatch, error, line):
    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr(demo, "run_demo", refuse)
    assert line in mistake("demo")


def test_a_bug_is_not_hidden(run, monkeypatch):
    monkeypatch.setattr(demo, "run_demo", lambda *arguments, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("demo")


def test_python_m_and_the_installed_command_are_the_same(tmp_path):
    module = [sys.executable, "-m", "minicnn.cli"]
    script = Path(sys.executable).with_name("minicnn")
    commands = [module, [str(script)]] if script.exists() else [module]
    environment = {**os.environ, "COLUMNS": "100"}
    pages = [
        subprocess.run([*command, "--help"], env=environment, check=True, capture_output=True, text=True).stdout
        for command in commands
    ]
    assert "usage: minicnn" in pages[0]
    assert len(set(pages)) == 1
    wrong = subprocess.run([*module, "info", "missing.safetensors"], cwd=tmp_path, capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr == "minicnn info: load_state: there is no file 'missing.safetensors'; check the name\n"


def test_a_reader_that_has_seen_enough_is_no_mistake():
    command = [sys.executable, "-m", "minicnn.cli", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
