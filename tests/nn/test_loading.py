"""The text of a load result is PyTorch's."""

from minicnn.nn.loading import LoadResult


def test_the_text_says_whether_all_keys_matched():
    assert repr(LoadResult([], [])) == str(LoadResult([], [])) == "<All keys matched successfully>"
    assert repr(LoadResult(["a"], [])) == "_IncompatibleKeys(missing_keys=['a'], unexpected_keys=[])"
    assert LoadResult(["a"], ["b"]).unexpected_keys == ["b"]
