"""Frozen values with typed fields, as `dataclasses` makes them, at a tenth of its import time.

A client is imported by programs that start often; `dataclasses` and the classes it compiles
would take longer to load than all the rest of this package.
"""

from typing import Any, ClassVar, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """The base of values whose annotations are their fields, given by keyword and inherited.

    Equality, hash and repr look at every field but `raw`, the JSON that a value was read from,
    and those that a class names as secret.

    Raises:
        TypeError: A field without default is missing, or a name is no field.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _shown: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, secret: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        own = tuple(cls.__annotations__)
        cls._fields = (*cls._fields, *own)
        cls._shown = (*cls._shown, *(name for name in own if name not in ("raw", *secret)))

    def __init__(self, **values: Any) -> None:
        kind = type(self)
        unknown = [name for name in values if name not in kind._fields]
        missing = [n for n in kind._fields if n not in values and not hasattr(kind, n)]
        if unknown or missing:
            faults = [f"unknown {name}" for name in unknown] + [f"no {name}" for name in missing]
            raise TypeError(f"{kind.__name__}: {', '.join(faults)}")
        self.__dict__.update(values)
        self._check()

    def _check(self) -> None:
        """Refuse values out of range; a class with such rules overrides this."""

    def _visible(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._shown)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._visible() == other._visible()

    def __hash__(self) -> int:
        return hash(self._visible())

    def __repr__(self) -> str:
        shown = zip(self._shown, self._visible(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown)})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")
