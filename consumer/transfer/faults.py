"""What is wrong with a file that is to be imported: on which line, in which field.

The law: a file with anything wrong in it is refused whole, before anything is written, and all that is wrong is told at
once. No message repeats a secret. Pure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from consumer.webhooks.wrong import FieldInvalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong. `field` is its name in the file; empty: it is about the line, or (line 0) the file."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.field}{': ' if self.field else ''}{self.message}"


class FileRefused(ValueError):  # noqa: N818 # it names a state, as the glossary does
    """The file cannot be imported. `faults` are at least one."""

    def __init__(self, *faults: Fault) -> None:
        assert faults
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


class LineFaults:
    """Gathers what is wrong with the lines of a file."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, line: int, field: str, message: str) -> None:
        """Something else is wrong, on this line."""
        self.found.append(Fault(line=line, field=field, message=message))

    @contextmanager
    def of(self, line: int) -> Iterator[None]:
        """Whatever is refused of the fields of this line."""
        try:
            yield
        except FieldInvalid as error:
            for each in error.wrong:
                self.add(line, each.field, each.message)

    def tell(self) -> None:
        """Raises FileRefused: of all of it, if there is any."""
        if self.found:
            raise FileRefused(*self.found)
