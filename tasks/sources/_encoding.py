"""Convert the bytes of a text file to UTF-8, and report its encoding."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

from realmix.tasks.core.errors import BadInput

SAMPLE_BYTES = 1 << 20
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
MARK = "\ufeff".encode()
# Encodings that write all letters in ASCII: what they write looks like UTF-8 without any letters.
ISO_2022 = re.compile(rb"\x1b(\$[@AB]|\$\([A-Z]|\([BIJ])")
UTF_7 = re.compile(rb"\+[A-Za-z0-9+/]{3,}-")
CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13})


def to_utf8(content: bytes, where: str) -> tuple[bytes, dict[str, Any]]:
    r"""Convert a text to UTF-8 with ``\n`` line ends and without byte order marks.

    Parameters
    ----------
    content : bytes
    where : str
        Name of the file, for messages.

    Returns
    -------
    text : bytes
    detected : dict
        Encoding, and a note where it is a guess.

    Raises
    ------
    BadInput
        If the bytes are binary, are not of their encoding, or hold only blanks.

    Examples
    --------
    >>> to_utf8("\ufeffname\r\nKöln\r\n".encode("utf-16"), "t.csv")
    (b'name\nK\xc3\xb6ln\n', {'encoding': 'utf-16'})
    """
    encoding, is_guess = _detect_encoding(content, where)
    text = content if encoding == "utf-8" else _decode(content, encoding, where).encode("utf-8")
    if b"\0" in text:
        raise binary(where)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # Files with a mark that were joined, or written with a mark twice, hold some within.
    while MARK in text and (text.startswith(MARK) or b"\n" + MARK in text):
        text = text.removeprefix(MARK).replace(b"\n" + MARK, b"\n")
    if not text.strip():
        raise BadInput(f"{where} holds only blanks; expected a table with a header. Check the file.")
    detected: dict[str, Any] = {"encoding": encoding}
    if is_guess:
        detected["encoding_note"] = f"not UTF-8: {encoding} is a guess; save as UTF-8 if letters look wrong"
    return text, detected


def binary(where: str) -> BadInput:
    """Return the error for bytes that are no text."""
    return BadInput(
        f"{where} is binary, not text; expected CSV, a workbook or Parquet. "
        "Check that this is the table, and export it as one of these."
    )


def _detect_encoding(content: bytes, where: str) -> tuple[str, bool]:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding, False
    sample = content[:SAMPLE_BYTES]
    if b"\0" in sample:
        return _utf16_without_mark(sample, where), True
    if content.isascii():
        return _written_in_ascii(content)
    if _decodes(content, "utf-8"):
        return "utf-8", False
    if len(sample) - len(sample.translate(None, CONTROL_BYTES)) > 0.005 * len(sample):
        raise binary(where)
    if _is_broken_utf8(content):
        _decode(content, "utf-8", where)
    return _guess_single_byte(content), True


def _written_in_ascii(content: bytes) -> tuple[str, bool]:
    """Recognize encodings that write letters by escapes of ASCII; nearly always the text is plain."""
    if ISO_2022.search(content):
        names = ("iso2022_jp", "iso2022_jp_2", "iso2022_kr")
        return next((name for name in names if _decodes(content, name)), "utf-8"), True
    found = UTF_7.findall(content[:SAMPLE_BYTES])
    if found and all(_is_utf7_letters(escaped) for escaped in found) and _decodes(content, "utf-7"):
        return "utf-7", True
    return "utf-8", False


def _is_utf7_letters(escaped: bytes) -> bool:
    try:
        text = escaped.decode("utf-7")
    except UnicodeDecodeError:
        return False
    return not text.isascii() and text.isprintable() and any(letter.isalpha() for letter in text)


def _utf16_without_mark(sample: bytes, where: str) -> str:
    """Recognize UTF-16 without mark: every other byte of Western text is zero, else the file is binary."""
    codes = np.frombuffer(sample, np.uint8)
    even, odd = (codes[::2] == 0).mean(), (codes[1::2] == 0).mean() if len(codes) > 1 else 0
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    if even > 0.4 and odd < 0.05:
        return "utf-16-be"
    raise binary(where)


def _is_broken_utf8(content: bytes) -> bool:
    """Return whether the bytes are UTF-8 with a few wrong lines: another encoding would hide the damage."""
    lines = [line for line in content.splitlines() if not line.isascii()]
    n_right = sum(_decodes(line, "utf-8") for line in lines)
    return n_right > len(lines) - n_right


def _guess_single_byte(content: bytes) -> str:
    import charset_normalizer

    lines = itertools.islice((ln for ln in content.splitlines() if not ln.isascii()), 500)
    sample = b"\n".join(lines)[: SAMPLE_BYTES // 16]
    matches = charset_normalizer.from_bytes(sample)
    likely = {name for match in matches for name in match.could_be_from_charset}
    best = matches.best()
    # Western Windows text is by far the most frequent; similar encodings differ in rare letters.
    is_western = "cp1252" in likely or (best is not None and _is_mistaken_for_pairs(sample, best.encoding))
    names = ["cp1252"] if is_western else [best.encoding] if best else []
    return next((name for name in names if _decodes(content, name)), "latin-1")


def _is_mistaken_for_pairs(sample: bytes, encoding: str) -> bool:
    """Return whether an encoding takes letters that stand alone among ASCII ones for halves of East Asian ones."""
    runs = re.findall(rb"[\x80-\xff]+", sample)
    are_alone = sum(len(run) == 1 for run in runs) > 0.5 * len(runs)
    return are_alone and len(sample.decode(encoding, errors="replace")) < len(sample)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode(content: bytes, encoding: str, where: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as err:
        line = bytes(err.object[: err.start]).decode(encoding, errors="ignore").count("\n") + 1
        raise BadInput(
            f"{where}: wrong encoding: the file is {encoding} but line {line:,} holds bytes that "
            f"are not. Save the whole file as UTF-8."
        ) from err
