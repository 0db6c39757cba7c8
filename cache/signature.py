"""From a function's arguments to scope and query.

``inspect.Signature.bind`` costs several microseconds a call, more than a whole memory hit may; so for
each decorated function a small binder with the same parameters is compiled once (as dataclasses does).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from ..errors import ConfigError, UncacheableCall
from .call import canonical, name_of

EXCLUDED = ("self", "cls", "ctx")
Bound = tuple[Any, tuple[Any, ...]]


class Signature:
    """How one function's arguments become a call.

    Args:
        fn: The function.
        query: Name of the parameter that may vary by meaning; ``...`` picks the only string parameter;
            None means nothing may vary.
        exclude: Parameters that do not shape the answer.
        need_query: Raise when the query cannot be told (a semantic tier is configured).

    Raises:
        ConfigError: ``fn`` is not a function, ``query`` or ``exclude`` names no parameter, or the query is
            ambiguous.
    """

    def __init__(
        self, fn: Callable[..., Any], query: str | Any | None, exclude: Sequence[str], need_query: bool
    ) -> None:
        if not hasattr(fn, "__qualname__") or isinstance(fn, type):
            raise ConfigError(f"{fn!r} is not a function: write a def that calls it, and decorate that")
        self.name = name_of(fn)
        signature = inspect.signature(fn)
        params = signature.parameters
        for name in exclude:
            if name not in params:
                raise ConfigError(f"exclude names {name!r}, but {self.name} has {_names(params)}", setting="exclude")
        dropped = {*exclude, *(name for name in EXCLUDED if name in params)}
        self.query = self._pick(params, query, dropped, need_query)
        self.scope_names = tuple(n for n in params if n not in dropped and n != self.query)
        self.bind = self._compile(signature)

    def _pick(self, params: Any, query: Any, dropped: set[str], need: bool) -> str | None:
        if query is None:
            return None
        if query is not ...:
            if query not in params:
                raise ConfigError(f"query={query!r}, but {self.name} has {_names(params)}", setting="query")
            if query in dropped or params[query].kind in (
                inspect.Parameter.VAR_POSITIONAL,
                inspect.Parameter.VAR_KEYWORD,
            ):
                raise ConfigError(f"query={query!r} cannot be an excluded or a starred parameter", setting="query")
            return str(query)
        plain = [
            p
            for name, p in params.items()
            if name not in dropped and p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        ]
        texts = [p.name for p in plain if p.annotation in (str, "str")]
        if len(texts) == 1:
            return str(texts[0])
        if not texts and len(plain) == 1 and plain[0].annotation is inspect.Parameter.empty:
            return str(plain[0].name)
        if need:
            raise ConfigError(
                f"which parameter of {self.name} may vary by meaning? String parameters: {', '.join(texts) or 'none'}. "
                'Name it with query="...", or say query=None to match exactly only',
                setting="query",
            )
        return None

    def _compile(self, signature: inspect.Signature) -> Callable[..., Bound]:
        names: dict[str, Any] = {}
        parts: list[str] = []
        star = False
        kinds = [p.kind for p in signature.parameters.values()]
        last_positional_only = max(
            (i for i, kind in enumerate(kinds) if kind is inspect.Parameter.POSITIONAL_ONLY), default=-1
        )
        for i, (name, param) in enumerate(signature.parameters.items()):
            text = name
            if param.kind is inspect.Parameter.VAR_POSITIONAL:
                text, star = f"*{name}", True
            elif param.kind is inspect.Parameter.VAR_KEYWORD:
                text = f"**{name}"
            elif param.kind is inspect.Parameter.KEYWORD_ONLY and not star:
                parts.append("*")
                star = True
            if param.default is not inspect.Parameter.empty:
                names[f"_default_{i}"] = param.default
                text += f"=_default_{i}"
            parts.append(text)
            if i == last_positional_only:
                parts.append("/")
        scope = "".join(f"{name}, " for name in self.scope_names)
        code = f"def bind({', '.join(parts)}):\n    return {self.query}, ({scope})\n"
        exec(compile(code, f"<askonce binder of {self.name}>", "exec"), names)
        bind: Any = names["bind"]
        bind.__qualname__ = self.name  # what a TypeError calls it
        made: Callable[..., Bound] = bind
        return made


def captured(fn: Callable[..., Any]) -> list[Any]:
    """What ``fn`` has captured from the function around it, as far as it can be part of a key: plain data,
    and functions and classes by name. Two functions made by one factory from two system prompts are two
    functions. Other objects (clients, locks) have no encoding and are left out.
    """
    return _captured(fn, set())


def _captured(fn: Any, seen: set[int]) -> list[Any]:
    code, cells = getattr(fn, "__code__", None), getattr(fn, "__closure__", None)
    if code is None or not cells or id(fn) in seen:
        return []
    seen.add(id(fn))
    found: list[Any] = []
    for name, cell in zip(code.co_freevars, cells, strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        if isinstance(value, type):
            found.append([name, name_of(value)])
        elif isinstance(value, FunctionType):
            found.append([name, name_of(value), _captured(value, seen)])
        else:
            try:
                canonical(value)
            except UncacheableCall:
                continue
            found.append([name, value])
    return found


def _names(params: Any) -> str:
    return ", ".join(params) or "no parameters"
