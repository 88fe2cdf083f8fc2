"""How many cells of a terminal a text takes, and texts that are cut or filled to a width.

Never knows a table. A cluster is what a terminal draws as one: a letter with its accents, a flag,
a family of emoji.
"""

from collections.abc import Iterator

ELLIPSIS = "…"
JOINER = "\u200d"
AS_EMOJI = "\ufe0f"


def width_of(text: str) -> int:
    """Cells that a printable text takes."""
    return len(text) if text.isascii() else sum(width for _, width in clusters(text))


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """The text in pieces that cannot be divided, each with its width."""
    cluster, width = "", 0
    for character in text:
        if cluster and _continues(cluster, width, character):
            cluster += character
            width = 2 if _is_emoji(cluster) else width
            continue
        if cluster:
            yield cluster, width
        cluster, width = character, _width(character)
    if cluster:
        yield cluster, width


def cut(text: str, width: int) -> str:
    """The text, or its beginning with … where it is wider than `width`."""
    if width_of(text) <= width:
        return text
    kept, used = [], len(ELLIPSIS)
    for cluster, wide in clusters(text):
        used += wide
        if used > width:
            break
        kept.append(cluster)
    return "".join(kept) + ELLIPSIS


def left(text: str, width: int) -> str:
    """The text, with spaces after it up to `width`."""
    return text + " " * (width - width_of(text))


def right(text: str, width: int) -> str:
    """The text, with spaces before it up to `width`."""
    return " " * (width - width_of(text)) + text


def wrapped(text: str, width: int) -> list[str]:
    """Lines of whole words; a word that is wider than a line is cut into pieces."""
    lines = [""]
    for word in text.split(" "):
        for piece in _pieces(word, width):
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if width_of(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines


def _pieces(word: str, width: int) -> Iterator[str]:
    piece, used = "", 0
    for cluster, wide in clusters(word):
        if used + wide > width and piece:
            yield piece
            piece, used = "", 0
        piece, used = piece + cluster, used + wide
    yield piece


def _continues(cluster: str, width: int, character: str) -> bool:
    if _width(character) == 0:
        return True
    if cluster[-1] == JOINER or "\U0001f3fb" <= character <= "\U0001f3ff":  # the tones of skin
        return width == 2
    return _is_indicator(character) and len(cluster) == 1 and _is_indicator(cluster)


def _width(character: str) -> int:
    if character.isascii():
        return 1
    from unicodedata import category, east_asian_width

    # The later parts of a Korean syllable are drawn into its first one.
    if category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _is_indicator(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _is_emoji(cluster: str) -> bool:
    """Whether what was added makes it one; a space cannot become one."""
    if cluster[-1] == AS_EMOJI:
        return cluster[0] != " " and _width(cluster[0]) > 0
    return len(cluster) == 2 and all(map(_is_indicator, cluster))
