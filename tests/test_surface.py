"""Names that PyTorch programs use are there, or have a reason: tests/oracles/report_surface.py."""

from tests.oracles.report_surface import read


def test_nearly_all_names_are_there_and_the_others_have_a_reason():
    names = read()
    assert len(names) > 800
    missing = [name for name in names if not name.is_there]
    assert [name.name for name in missing if not name.reason] == []
    assert 1 - sum(name.uses for name in missing) / sum(name.uses for name in names) >= 0.99


def test_a_name_that_nobody_has_is_not_there():
    known = {name.name: name for name in read()}
    assert known["torch.nn.Conv2d(padding=)"].is_there
    assert not known["torch.nn.Conv2d(padding=)"]._replace(name="torch.nn.Conv2d(pudding=)").is_there
    assert not known["torch.nn.Conv2d"]._replace(name="torch.nn.Conv9d").is_there
    assert not known[".backward()"]._replace(name=".backwards()").is_there
