"""Tests of optional packages: imported only when needed, with an error that names the package to install."""

import sys

import pytest

from minicnn.errors import MissingPackageError
from minicnn.optional import import_optional


def test_it_returns_the_module():
    assert import_optional("xml.dom", call="f", package="xml", extra="data") is sys.modules["xml.dom"]


def test_a_missing_package_is_named_with_its_extra():
    message = r"^segment: needs no-such-thing, which is not installed; .* pip install 'minicnn\[data\]'$"
    with pytest.raises(MissingPackageError, match=message):
        import_optional("no_such_thing.part", call="segment", package="no-such-thing", extra="data")


def test_a_package_that_is_broken_inside_speaks_for_itself(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import what_it_lacks")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_lacks") as raised:
        import_optional("half_installed", call="f", package="half-installed", extra="data")
    assert not isinstance(raised.value, MissingPackageError)
