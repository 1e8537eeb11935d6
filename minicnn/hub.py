"""``torch.hub`` downloads models. minicnn never uses the network at run time; each function says what to do instead."""

from typing import Any, NoReturn

from minicnn.errors import ArgumentError

__all__ = ["download_url_to_file", "load", "load_state_dict_from_url"]


def load_state_dict_from_url(url: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to download a state dict.

    Raises
    ------
    ArgumentError
        Always; it says what to do instead.
    """
    raise ArgumentError(
        f"load_state_dict_from_url: minicnn downloads nothing; fetch {url} yourself, then use minicnn.load('the file')"
    )


def download_url_to_file(url: str, dst: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to download a file.

    Raises
    ------
    ArgumentError
        Always; it says what to do instead.
    """
    raise ArgumentError(f"download_url_to_file: minicnn downloads nothing; fetch {url} yourself and save it as {dst}")


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to download and run a program.

    Raises
    ------
    ArgumentError
        Always; it says what to do instead.
    """
    raise ArgumentError(
        f"load: minicnn downloads and runs no programs; build the network {model} of {repo_or_dir} yourself, and read "
        f"its weights with minicnn.load"
    )
