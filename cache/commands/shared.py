"""Options every command has, and opening what they name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Group, Parameter

from ...backends.contract import Store
from ...errors import AskonceError, ConfigError, StoreError
from ..config import Config, DiskSection, load_config, seconds, size
from ..core import Cache
from .output import Output

_SHARED = Group.create_ordered("Shared options")


def flag(text: str) -> Parameter:
    """A switch without a negative form."""
    return Parameter(help=text, negative="", show_default=False)


@Parameter(name="*")
@dataclass(frozen=True)
class Shared:
    """Options every command has."""

    config: Annotated[
        Path | None,
        Parameter(group=_SHARED, help="Settings; by default askonce.toml here, if there is one."),
    ] = None
    directory: Annotated[
        Path | None,
        Parameter(group=_SHARED, help="Directory of the disk tier, in place of the one in the settings."),
    ] = None
    json: Annotated[
        bool,
        Parameter(group=_SHARED, help="Write one JSON object to stdout.", negative="", show_default=False),
    ] = False

    def output(self) -> Output:
        return Output(self.json)

    def settings(self) -> Config:
        """The settings these options name.

        Raises:
            ConfigError: The file is missing or wrong, or ``--directory`` is given and there is no disk tier.
        """
        config = load_config(self.config)
        if self.directory is not None:
            if "disk" not in config.cache.tiers:
                raise ConfigError("--directory is given, but [cache] tiers has no disk", setting="cache.tiers")
            config.cache.directory = str(self.directory)
        config.check_tiers()
        return config


DEFAULTS = Shared()


def directory_of(config: Config) -> Path:
    """Directory of the disk tier, as the tier itself reads it."""
    return Path(os.path.expandvars(os.path.expanduser(config.cache.directory)))


UNBOUNDED = 1 << 62


def open_store(config: Config, name: str, *, bounded: bool = False) -> Store:
    """One tier of ``config``.

    Args:
        config: The settings.
        name: Which tier.
        bounded: Whether the disk tier's bound counts, if it was set. Opening one with a lower bound than
            its application's throws entries away, so it counts only where entries are added.
    """
    if name == "disk":
        from ...backends.disk import DiskStore

        bound = UNBOUNDED
        if bounded and config.disk != DiskSection():
            bound = size(config.disk.max_bytes, "disk.max_bytes")
        return DiskStore(directory_of(config), max_bytes=bound)
    alone = msgspec.structs.replace(config.cache, tiers=[name])
    return msgspec.structs.replace(config, cache=alone).stores()[0]


def has_cache(directory: Path) -> bool:
    """Whether a disk tier has been made in ``directory``."""
    from ...backends.epochs import DATABASE

    return (directory / DATABASE).is_file()


def open_stores(config: Config, *, create: bool) -> list[Store]:
    """The stores other processes share: the disk and Redis tiers of ``config``.

    A memory tier lives inside each process and cannot be seen from here.

    Args:
        config: The settings.
        create: Whether a disk tier is made where there is none; else it is left out.

    Raises:
        ConfigError: There is no shared tier, or a setting is wrong.
        StoreError: There is nothing to open (and ``create`` is off), or a store cannot be opened.
    """
    names = [name for name in config.cache.tiers if name != "memory"]
    if not names:
        raise ConfigError(
            "[cache] tiers has only memory, which lives inside each process: there is nothing to look at from here",
            setting="cache.tiers",
        )
    directory = directory_of(config)
    if "disk" in names and directory.exists() and not directory.is_dir():
        raise ConfigError(f"{directory} is a file; the disk tier needs a directory", setting="cache.directory")
    if "disk" in names and not create and not has_cache(directory):
        if names == ["disk"]:
            raise StoreError(
                f"there is no cache at {directory} yet; name another with --directory, or fill it with askonce demo "
                "or askonce warm"
            )
        names.remove("disk")
    made: list[Store] = []
    try:
        for name in names:
            made.append(open_store(config, name, bounded=create))
    except BaseException:
        for store in made:
            store.close()
        raise
    return made


@contextmanager
def opened(config: Config, *, create: bool = False) -> Iterator[Cache]:
    """A cache of the shared stores without a semantic tier, to look at and to change what is stored."""
    policy = config.build_policy()  # a wrong setting shows before anything is opened
    prices = {name: (price.input, price.output) for name, price in config.prices.items()}
    with Cache(open_stores(config, create=create), semantic=False, policy=policy, prices=prices) as cache:
        yield cache


def duration(text: str | None, option: str) -> float | None:
    """A duration given on the command line, in seconds.

    Raises:
        ConfigError: It is not one.
    """
    return None if text is None else seconds(text, option)


def hexadecimal(text: str | None, option: str, least: int = 4) -> str | None:
    """A digest or the beginning of one, in lower case.

    Raises:
        ConfigError: It is not hexadecimal, too short or too long.
    """
    if text is None:
        return None
    low = text.lower()
    if set(low) - set("0123456789abcdef") or not least <= len(low) <= 64:
        raise ConfigError(f"{option} is {text!r}; give {least} to 64 hexadecimal digits, as inspect shows them")
    return low


def reason(error: BaseException) -> str:
    """An error as one line."""
    text = " ".join(str(error).split())
    if isinstance(error, AskonceError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
