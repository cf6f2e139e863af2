"""Tables that something is wrong with, each made from a seed, and what must be right of them if they are accepted."""

from __future__ import annotations

import bz2
import csv
import datetime
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow
import pyarrow.feather
import pyarrow.parquet

NAMES = ["name", "amount", "count", "day", "city", "bought"]
N_ROWS = 90
# Never in a message, a log or a refusal.
SECRET = "Zqx-Geheim"
CITIES = ["Ulm", "Bonn", "Kiel", "Köln", 'Bad "Ems"', "Rot, am See"]


@dataclass(frozen=True)
class MalformedTable:
    """A file, and the rows of text that it must have, by their place, if it is accepted at all."""

    kind: str
    content: bytes
    suffix: str
    rows: dict[int, list[str]] = field(default_factory=dict)
    # All rows are known: there must be no other ones.
    is_whole: bool = False


def base_rows(rng: random.Random) -> list[list[str]]:
    return [
        [
            f"{SECRET} {i}",
            f"{rng.uniform(1, 900):.2f}",
            str(rng.randrange(9)),
            (datetime.date(2024, 1, 1) + datetime.timedelta(rng.randrange(600))).isoformat(),
            rng.choice(CITIES),
            rng.choice(["yes", "no"]),
        ]
        for i in range(N_ROWS)
    ]


def as_csv(rows: list[list[str]], names: list[str] = NAMES, **dialect: Any) -> str:
    out = io.StringIO()
    csv.writer(out, **{"lineterminator": "\n", **dialect}).writerows([names, *rows])
    return out.getvalue()


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
    return out.getvalue()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": lambda content: content,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": _zip,
    ".zst": lambda content: pyarrow.compress(content, codec="zstd", asbytes=True),
}


def in_another_dialect(rng: random.Random) -> MalformedTable:
    """Nothing is wrong: only written as some other program writes it."""
    rows = base_rows(rng)
    text = as_csv(
        rows,
        delimiter=rng.choice([",", ";", "\t", "|"]),
        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        lineterminator=rng.choice(["\n", "\r\n"]),
    )
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
    suffix = rng.choice(list(PACK))
    text = "\n" * rng.choice([0, 0, 1, 3]) + text + "\n" * rng.choice([0, 0, 2])
    content = PACK[suffix](text.encode(encoding))
    return MalformedTable("another dialect", content, f".csv{suffix}", dict(enumerate(rows)), is_whole=True)


def _damaged(rng: random.Random, damage: Callable[[list[bytes]], set[int]], kind: str) -> MalformedTable:
    """Damage some lines of a plain file (a record a line); all other rows must be read as they are."""
    rows = base_rows(rng)
    lines = as_csv(rows).encode().splitlines(keepends=True)
    touched = damage(lines)
    kept = {i: row for i, row in enumerate(rows) if i + 1 not in touched}
    return MalformedTable(kind, b"".join(lines), ".csv", {} if 0 in touched else kept)


def flipped_bytes(rng: random.Random) -> MalformedTable:
    def damage(lines: list[bytes]) -> set[int]:
        touched = set()
        for _ in range(rng.choice([1, 1, 3, 20])):
            place = rng.randrange(len(lines))
            line = bytearray(lines[place])
            line[rng.randrange(len(line) - 1)] = rng.randrange(256)
            lines[place] = bytes(line)
            touched.add(place)
        return touched

    return _damaged(rng, damage, "flipped bytes")


ODD_BYTES = [
    b"\0",
    b"\x07",
    b"\x1b[31m",
    b"\r",
    b"\xff",
    b"\xed\xa0\x80",
    b'"',
    b"\\",
    b"'",
    b"\x1a",
    b"\xe2\x80\xae",
    b"\n",
]


def inserted_bytes(rng: random.Random) -> MalformedTable:
    def damage(lines: list[bytes]) -> set[int]:
        place = rng.randrange(1, len(lines))
        at = rng.randrange(len(lines[place]))
        odd = rng.choice(ODD_BYTES) * rng.choice([1, 1, 2, 1000])
        lines[place] = lines[place][:at] + odd + lines[place][at:]
        return {place}

    return _damaged(rng, damage, "inserted bytes")


def ragged_rows(rng: random.Random) -> MalformedTable:
    def damage(lines: list[bytes]) -> set[int]:
        places = rng.sample(range(1, len(lines)), rng.choice([1, 2, 30]))
        for place in places:
            bare = lines[place].rstrip(b"\n")
            fewer = bare.rpartition(b",")[0]
            lines[place] = rng.choice([bare + b",", bare + b",x,y", fewer, b"," + bare, b""]) + b"\n"
        return set(places)

    return _damaged(rng, damage, "ragged rows")


def cut_short(rng: random.Random) -> MalformedTable:
    rows = base_rows(rng)
    content = as_csv(rows).encode()
    end = rng.randrange(len(content))
    whole = content[:end].count(b"\n") - 1
    return MalformedTable("cut short", content[:end], ".csv", dict(enumerate(rows[: max(whole, 0)])))


ODD_NAMES = [
    "", " ", "self", "index", "0", "nan", "None", "prediction", "proba_yes", "_realmix_origin", "_realmix_weight", "level_0",
    "a.b", "a`b", "a'b", 'a"b', "a\nb", "x" * 5_000, "__class__", "fit", "X", "y", "label", "f0", "{x}", "%s", "{{ 7*7 }}",
    "'; DROP TABLE t; --", "=1+1", "x\nsimulate: os:system", "x\u2028plugins: ['os:SPEC']\u2028#", "\x1b]0;title\x07", "../../etc", "<script>alert(1)</script>", "\u202eevil", "ß", "名前", "count ", "COUNT", "[x]", "a<b",
]  # fmt: skip


def odd_names(rng: random.Random) -> MalformedTable:
    rows, names = base_rows(rng), list(NAMES)
    for place in rng.sample(range(len(names) - 1), rng.choice([1, 1, 3])):
        names[place] = rng.choice([*ODD_NAMES, *NAMES])
    return MalformedTable("odd names", as_csv(rows, names).encode(), ".csv", dict(enumerate(rows)))


ODD_CELLS = [
    "", " ", "NaN", "inf", "-inf", "1e400", "-1e-400", "1e300", "0x1F", "1_000", "٣", "½", "--", "\\N", "NULL", "#REF!", "#DIV/0!", "1,5", "1.5.2",
    "9" * 400, "-0", "+7", "1e5", "TRUE", "0000-00-00", "9999-12-31", "31/31/2024", "2024-02-30", "12:61", "=cmd|' /C calc'!A0", "@SUM(A1)",
    "'; DROP TABLE t; --", "<script>alert(1)</script>", "{{ 7*7 }}", "${jndi:ldap://x}", "%s%s%n", "\u202etxt", "\u0000", "\u200b", "😀" * 50, "x" * 100_000,
    "../../etc/passwd", "None", "[1, 2]", '{"a": 1}', "1;2", "a\tb", "1 000", "1'000", "€ 5", "5 €", "12 kg", "(7)", "7-", "٠١٢", "1e", "e1", ".", "-", "+",
]  # fmt: skip


def odd_cells(rng: random.Random) -> MalformedTable:
    """A few cells, or half of a column, hold what does not belong there."""
    rows = base_rows(rng)
    column = rng.randrange(len(NAMES))
    touched = rng.sample(range(N_ROWS), rng.choice([1, 1, 5, 45, 90]))
    pool = rng.sample(ODD_CELLS, rng.choice([1, 2, 10]))
    for place in touched:
        rows[place][column] = rng.choice(pool)
    kept = {i: row for i, row in enumerate(rows) if i not in touched}
    return MalformedTable("odd cells", as_csv(rows).encode(), ".csv", kept)


def _forms_that_change(rng: random.Random, i: int) -> str:
    day = datetime.date(2024, 1, 1) + datetime.timedelta(rng.randrange(600))
    return day.isoformat() if i < 60 else day.strftime(rng.choice(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%s"]))


ODD_COLUMNS: tuple[Callable[[random.Random, int], str], ...] = (
    lambda rng, i: "",
    lambda rng, i: "same",
    lambda rng, i: "1" if i else "2",
    _forms_that_change,
    lambda rng, i: str(rng.randrange(2**80)),
    lambda rng, i: str(2**64 - 1 - i),
    lambda rng, i: f"1e{rng.randrange(-400, 400)}",
    lambda rng, i: rng.choice(["yes", "1", "true", "no", "0", "false"]),
    lambda rng, i: f"0{rng.randrange(99999)}",
    lambda rng, i: f"{rng.randrange(99)}%" if i % 2 else f"{rng.random():.2f}",
    lambda rng, i: (
        f"{rng.randrange(9999)},{rng.randrange(99):02d}"
        if i % 2
        else f"{rng.randrange(9999)}.{rng.randrange(99):02d}"
    ),
    lambda rng, i: f"9{rng.randrange(1000, 9999)}-01-01",
    lambda rng, i: rng.choice(["inf", "-inf", "1", "2"]),
    lambda rng, i: f"{rng.randrange(24)}:{rng.randrange(60):02d}" if i < 80 else "25:99",
    lambda rng, i: " ".join(rng.choice(["lorem", "ipsum", "dolor"]) for _ in range(rng.randrange(400))),
    lambda rng, i: f"person{i}@example.org",
    lambda rng, i: rng.choice(["a", "A", " a", "a "]),
    lambda rng, i: "1" if i < 89 else "1e308",
)


def odd_columns(rng: random.Random) -> MalformedTable:
    rows = base_rows(rng)
    for column in rng.sample(range(len(NAMES)), rng.choice([1, 1, 2, 5])):
        make = rng.choice(ODD_COLUMNS)
        for i, row in enumerate(rows):
            row[column] = make(rng, i)
    return MalformedTable("odd columns", as_csv(rows).encode(), ".csv")


def odd_shapes(rng: random.Random) -> MalformedTable:
    rows = base_rows(rng)
    n_rows, n_columns = rng.choice([0, 1, 2, 30, 59, 60, 90]), rng.choice([0, 1, 2, 6, 2_001, 9_000])
    if n_columns > len(NAMES):
        names = [*NAMES, *(f"x{i}" for i in range(n_columns - len(NAMES)))]
        rows = [[*row, *["1"] * (n_columns - len(NAMES))] for row in rows[:n_rows]]
    else:
        names, rows = (
            NAMES[len(NAMES) - n_columns :],
            [row[len(NAMES) - n_columns :] for row in rows[:n_rows]],
        )
    return MalformedTable("odd shapes", as_csv(rows, names).encode(), ".csv")


def _moments(unit: str, tz: str | None, values: list[int]) -> pyarrow.Array:
    return pyarrow.array(values, pyarrow.int64()).cast(pyarrow.timestamp(unit, tz), safe=False)


def _repeated(values: list[Any], kind: Any) -> pyarrow.Array:
    return pyarrow.array((values * N_ROWS)[:N_ROWS], kind)


ODD_ARRAYS: tuple[Callable[[random.Random], pyarrow.Array], ...] = (
    lambda rng: _moments("us", None, [253402214400000000] * N_ROWS),
    lambda rng: _moments("s", None, [rng.choice([-(2**40), 0, 2**40]) for _ in range(N_ROWS)]),
    lambda rng: _moments("ns", "Not/AZone", list(range(N_ROWS))),
    lambda rng: _moments("ms", "+25:99", list(range(N_ROWS))),
    lambda rng: _repeated([b"\xff\xfe", b"ok", None], pyarrow.binary()),
    lambda rng: _repeated([b"ab", b"cd"], pyarrow.binary(2)),
    lambda rng: pyarrow.array([float(i) for i in range(N_ROWS)], pyarrow.float32()).cast(pyarrow.float16()),
    lambda rng: _repeated([2**64 - 1, 0, None], pyarrow.uint64()),
    lambda rng: _repeated([1e300, -1e300, float("nan"), float("inf")], pyarrow.float64()),
    lambda rng: _repeated([Decimal("1.5"), Decimal("-999999999999999999999999.9999"), None], pyarrow.decimal128(38, 4)),
    lambda rng: _repeated([Decimal(10) ** 60, Decimal(1)], pyarrow.decimal256(70, 0)),
    lambda rng: _repeated([[1, 2], [], None], pyarrow.list_(pyarrow.int64())),
    lambda rng: _repeated([{"a": 1, "b": "x"}, None], pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())])),
    lambda rng: _repeated([[("k", 1)], []], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
    lambda rng: pyarrow.nulls(N_ROWS),
    lambda rng: _repeated(["a", "b", None], pyarrow.string()).dictionary_encode(),
    lambda rng: _repeated([datetime.timedelta(days=400_000), None], pyarrow.duration("s")),
    lambda rng: _repeated([datetime.time(23, 59, 59), None], pyarrow.time64("ns")),
    lambda rng: _repeated([datetime.date(9999, 12, 31), datetime.date(1, 1, 1)], pyarrow.date32()),
    lambda rng: _repeated([True, False, None], pyarrow.bool_()),
    lambda rng: _repeated(["x" * 100_000, "y"], pyarrow.large_string()),
    lambda rng: _repeated([2**62, -(2**62)], pyarrow.int64()),
)  # fmt: skip


def odd_types(rng: random.Random) -> MalformedTable:
    """Parquet, Arrow or Feather with columns of unusual types."""
    rows = base_rows(rng)
    arrays = {name: pyarrow.array([row[i] for row in rows]) for i, name in enumerate(NAMES)}
    for name in rng.sample(NAMES, rng.choice([1, 1, 3])):
        arrays[name] = rng.choice(ODD_ARRAYS)(rng)
    return MalformedTable("odd types", *_written(rng, pyarrow.table(arrays)))


def _written(rng: random.Random, table: pyarrow.Table) -> tuple[bytes, str]:
    out = io.BytesIO()
    kind = rng.choice(["parquet", "parquet", "arrow", "feather"])
    try:
        if kind == "parquet":
            pyarrow.parquet.write_table(table, out)
        elif kind == "feather":
            pyarrow.feather.write_feather(table, out, compression="zstd")
        else:
            with pyarrow.ipc.new_file(out, table.schema) as file:
                file.write_table(table)
    except (pyarrow.ArrowException, OSError):  # what this format cannot hold
        return _written(
            rng, table.select([name for name in NAMES if pyarrow.types.is_string(table[name].type)])
        )
    return out.getvalue(), f".{kind}"


def damaged_containers(rng: random.Random) -> MalformedTable:
    """Formats with a structure of their own, cut, flipped or wearing the wrong name."""
    rows = base_rows(rng)
    arrays = {name: [row[i] for row in rows] for i, name in enumerate(NAMES)}
    packed = rng.choice(
        [
            lambda: _written(rng, pyarrow.table(arrays))[0],
            lambda: rng.choice(list(PACK.values()))(as_csv(rows).encode()),
            lambda: rng.choice(list(PACK.values()))(_zip(as_csv(rows).encode())),
        ]
    )()
    content = bytearray(packed)
    for _ in range(rng.choice([0, 1, 5, 50])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    end = rng.choice([len(content), len(content), rng.randrange(len(content)), 4])
    return MalformedTable(
        "damaged containers", bytes(content[:end]), rng.choice([".csv", ".parquet", ".zip"])
    )


MAGIC = [b"PAR1", b"ARROW1\0\0", b"FEA1", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xef\xbb\xbf", b"\xff\xfe",
         b"{", b'{"', b"[", b"sep=", b'"', b"%PDF", b"\x80\x04", b"\0", b""]  # fmt: skip


def random_bytes(rng: random.Random) -> MalformedTable:
    length = rng.choice([0, 1, 30, 3_000])
    some = rng.choice([rng.randbytes(length), bytes(rng.choices(b'abc,;"\n\r\t0123{}[]:\\ ', k=length))])
    return MalformedTable("random bytes", rng.choice(MAGIC) + some, ".csv")


def json_lines(rng: random.Random) -> MalformedTable:
    rows = base_rows(rng)
    lines = [json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows]
    odd = rng.choice(
        ["{", "[]", "1", "null", '{"name": 1, "name": 2}', '{"x": NaN}', '{"name": {"a": [1]}}', "[" * 5_000, '{"a":' * 3_000 + "1", '{"\\ud800": 1}',
         '{"name": "\\ud800"}', '{"amount": 1e999}', '{"amount": ' + "9" * 5_000 + "}", "{}", "\0"]
    )  # fmt: skip
    place = rng.randrange(N_ROWS)
    if rng.random() < 0.5:
        lines.insert(place, odd)
        kept = dict(enumerate(rows[:place]))
    else:
        lines[place] = odd
        kept = {i: row for i, row in enumerate(rows) if i != place}
    return MalformedTable("JSON lines", "\n".join(lines).encode(), ".jsonl", kept)


KINDS: tuple[Callable[[random.Random], MalformedTable], ...] = (
    in_another_dialect,
    flipped_bytes,
    inserted_bytes,
    ragged_rows,
    cut_short,
    odd_names,
    odd_cells,
    odd_columns,
    odd_shapes,
    odd_types,
    damaged_containers,
    random_bytes,
    json_lines,
)


def malformed_table(number: int) -> MalformedTable:
    """Make the table of a number: always the same one."""
    return KINDS[number % len(KINDS)](random.Random(f"table {number}"))
