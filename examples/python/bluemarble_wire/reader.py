"""Reading messages byte by byte: whoever reads too far, too little or something illegal gets `Malformed`."""

from __future__ import annotations

import re
import struct
import unicodedata

TEXT_BYTES_MAX = 200
UNCLEAN = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")


class Malformed(ValueError):
    """A message that the protocol does not allow; it is refused whole."""


class Reader:
    """Takes little-endian values off the front of a message. `end` must be called last: nothing may be left over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next so many bytes."""
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise Malformed("it ends early")
        self._at += count
        return taken

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(len(self._data) - self._at)

    def unsigned(self, size: int) -> int:
        """An unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        """A two's complement integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little", signed=True)

    def double(self) -> float:
        """The 64 bits of a double of IEEE 754."""
        return float(struct.unpack("<d", self.take(8))[0])

    def u8(self) -> int:
        return self.unsigned(1)

    def u16(self) -> int:
        return self.unsigned(2)

    def u32(self) -> int:
        return self.unsigned(4)

    def u64(self) -> int:
        return self.unsigned(8)

    def kind(self, expected: int) -> None:
        """The first byte of a message whose kind the caller has looked at."""
        if self.u8() != expected:
            raise Malformed("it is of another kind")

    def text(self) -> str:
        """A length (u8, at most 200) and so many bytes of clean UTF-8."""
        size = self.u8()
        if size > TEXT_BYTES_MAX:
            raise Malformed("a text is too long")
        return clean_text(self.take(size))

    def name(self) -> str:
        """A length (u8, not 0) and so many bytes of clean UTF-8."""
        size = self.u8()
        if size == 0:
            raise Malformed("a name is empty")
        return clean_text(self.take(size))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._data)

    def end(self) -> None:
        """Nothing may follow."""
        if not self.is_empty:
            raise Malformed("it goes on after its end")


def clean_text(data: bytes) -> str:
    """UTF-8 that can be shown as it is: it moves no cursor, hides nothing and turns nothing around."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("a text is not UTF-8") from error
    if not all(is_clean(character) for character in text):
        raise Malformed("a text has characters that are not allowed")
    return text


def is_clean(character: str) -> bool:
    """Whether a character is neither control, nor invisible, nor one that changes the direction of writing."""
    return unicodedata.category(character) != "Cc" and not UNCLEAN.fullmatch(character)


def legal(condition: bool, what: str) -> None:
    """Refuses a message for a value that its table does not allow."""
    if not condition:
        raise Malformed(what)
