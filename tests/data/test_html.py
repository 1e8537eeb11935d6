"""Tests of datasets in notebooks."""

import numpy as np

import minicnn
from minicnn.data import Dataset, IterableDataset, TensorDataset


class Squares(Dataset):
    """Samples of a function."""

    def __init__(self, sample, count=3):
        self.sample, self.count = sample, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.sample(index)


def test_pictures_labels_and_the_number_of_samples():
    data = TensorDataset(np.random.default_rng(0).random((20, 3, 9, 9), np.float32), np.arange(20))
    html = data._repr_html_()
    assert html.startswith("<div>TensorDataset, 20 samples</div><table>")
    assert html.count("<img") == html.count("<tr") == 8
    assert "<td>7</td></tr></table>" in html


def test_dicts_tensors_and_texts():
    html = Squares(lambda i: {"image": minicnn.rand(1, 9, 9), "name": "<a>", "box": (i, 2.5)})._repr_html_()
    assert html.count("<img") == 3
    assert "name: &lt;a&gt;" in html
    assert "box: 2.5" in html


def test_a_sample_that_cannot_be_read_says_why():
    assert "ZeroDivisionError: division by zero" in Squares(lambda i: 1 / i)._repr_html_()


def test_the_generator_keeps_its_state():
    minicnn.manual_seed(3)
    expected = minicnn.rand(2)
    minicnn.manual_seed(3)
    Squares(lambda i: minicnn.rand(3))._repr_html_()
    assert minicnn.rand(2).equal(expected)


def test_slow_samples_are_few(monkeypatch):
    monkeypatch.setattr("minicnn.data.html.SECONDS", -1.0)
    assert Squares(lambda i: i)._repr_html_().count("<tr") == 1


def test_empty_and_endless_datasets():
    assert Squares(None, 0)._repr_html_() == "<div>Squares, 0 samples</div><table></table>"
    assert IterableDataset()._repr_html_() is None
