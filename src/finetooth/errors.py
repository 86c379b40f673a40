"""What goes wrong on the user's side: each error says where, what, and the cure."""

from __future__ import annotations


class FinetoothError(Exception):
    """The base of all errors that a user can mend. Shown as one line, exit code 2, no traceback.

    ``what`` was expected and found, ``where`` it is (file, line or path in the document),
    ``cure`` is what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what, self.where, self.cure = what, where, cure
        super().__init__(str(self))

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line} ({self.cure})" if self.cure else line


class DataError(FinetoothError):
    """A file, row or value that cannot be read as what it should be."""


class ConfigError(FinetoothError):
    """A setting that makes no sense, an unknown key, a missing value."""


class UsageError(FinetoothError):
    """A command that asks for what does not exist: a task, a format, a run."""


class PreflightError(FinetoothError):
    """Training that would be in vain: errors in the data, a model that cannot learn, no memory."""
