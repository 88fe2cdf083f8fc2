"""Every error class of duckdb means one of ours."""

from pathlib import Path

import duckdb
import pytest

from mp_mcp.errors import (
    DatabaseCorruptError,
    DatabaseLockedError,
    DiskFullError,
    MpError,
    NotReadOnlyError,
    QueryError,
    StoreError,
    TableMissingError,
)
from mp_mcp.store.translate import translate

FILE = Path("/home/me/.mp/data/7.db")

MEANING: dict[str, type[MpError]] = {
    "BinderException": QueryError,
    "CatalogException": QueryError,
    "ConnectionException": StoreError,
    "ConstraintException": QueryError,
    "ConversionException": QueryError,
    "DataError": QueryError,
    "DatabaseError": StoreError,
    "DependencyException": QueryError,
    "Error": StoreError,
    "FatalException": StoreError,
    "HTTPException": NotReadOnlyError,
    "IOException": StoreError,
    "IntegrityError": QueryError,
    "InternalError": StoreError,
    "InternalException": StoreError,
    "InterruptException": StoreError,
    "InvalidInputException": QueryError,
    "InvalidTypeException": QueryError,
    "NotImplementedException": QueryError,
    "NotSupportedError": QueryError,
    "OperationalError": StoreError,
    "OutOfMemoryException": QueryError,
    "OutOfRangeException": QueryError,
    "ParserException": QueryError,
    "PermissionException": NotReadOnlyError,
    "ProgrammingError": QueryError,
    "ResourceInUseException": StoreError,
    "SequenceException": QueryError,
    "SerializationException": DatabaseCorruptError,
    "SyntaxException": QueryError,
    "TransactionException": StoreError,
    "TypeMismatchException": QueryError,
}


def classes() -> dict[str, type[duckdb.Error]]:
    return {
        name: value
        for name, value in vars(duckdb).items()
        if isinstance(value, type) and issubclass(value, duckdb.Error)
    }


def test_no_class_is_unmapped() -> None:
    assert set(classes()) == set(MEANING)


@pytest.mark.parametrize("name", sorted(MEANING))
def test_a_class_has_its_meaning_and_a_hint(name: str) -> None:
    error = translate(classes()[name]("Some Error: it failed\n\nLINE 1: x"), FILE)
    assert type(error) is MEANING[name]
    assert error.hint
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("name", "message", "meaning"),
    [
        ("IOException", 'Could not set lock on file "x": Conflicting lock', DatabaseLockedError),
        ("IOException", 'Could not write file "x": No space left on device', DiskFullError),
        ("TransactionException", "Failed to commit: No space left on device", DiskFullError),
        (
            "IOException",
            "exists, but it is not a valid DuckDB database file!",
            DatabaseCorruptError,
        ),
        ("Error", "Corrupt database file: computed checksum 1", DatabaseCorruptError),
        ("Error", 'Failure while replaying WAL file "x": Corrupt WAL file', DatabaseCorruptError),
        ("IOException", "WAL does not match database file.", DatabaseCorruptError),
        ("IOException", "Could not read enough bytes from file x", DatabaseCorruptError),
        (
            "IOException",
            "Trying to read a database file with version number 999, but we can only read 64",
            DatabaseCorruptError,
        ),
        ("IOException", 'Cannot open file "x": Read-only file system', StoreError),
        ("IOException", 'Cannot open file "x.wal": No such file or directory', StoreError),
        (
            "TransactionException",
            'Cannot write to database "7" - transaction is launched in read-only mode',
            NotReadOnlyError,
        ),
        ("CatalogException", "Table with name evnts does not exist!", TableMissingError),
        ("OutOfMemoryException", "failed to offload data block of size 1", DiskFullError),
    ],
)
def test_a_message_weighs_more_than_its_class(
    name: str, message: str, meaning: type[MpError]
) -> None:
    assert type(translate(classes()[name](message), FILE)) is meaning
