"""The product's colour as CSS: made readable on every surface, whatever colour was chosen."""

from collections.abc import Iterator

DEFAULT = "#2f55d4"  # whose shades the tokens name
READABLE = 4.5  # WCAG 2.2, 1.4.3
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
DARK_SURFACE, DARK_ON = (22, 27, 35), (11, 18, 48)

Colour = tuple[int, int, int]


def stylesheet(chosen: str) -> str:
    """Rules that replace the tokens of the accent, in both themes."""
    light, dark = _rules(_light(_parsed(chosen))), _rules(_dark(_parsed(chosen)))
    return (
        f":root {{ {light} }}\n"
        f':root[data-theme="dark"] {{ {dark} }}\n'
        f'@media (prefers-color-scheme: dark) {{ :root[data-theme="auto"] {{ {dark} }} }}\n'
    )


def accent(chosen: str) -> str:
    """The colour as it is used on white: the chosen one, or the next darker that can be read."""
    return _written(_light(_parsed(chosen))["primary"])


def contrast(one: Colour, other: Colour) -> float:
    """By WCAG 2.2: from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _light(chosen: Colour) -> dict[str, Colour]:
    primary = next(
        shade for shade in _shades(chosen, BLACK)
        if contrast(shade, WHITE) >= READABLE
        and contrast(shade, _mixed(shade, WHITE, 0.9)) >= READABLE
    )  # fmt: skip
    soft = _mixed(primary, WHITE, 0.9)
    heat = {f"h{n}": _mixed(primary, WHITE, 1 - n / 5) for n in range(1, 5)}
    return {
        "primary": primary, "primary-hover": _mixed(primary, BLACK, 0.16), "on": WHITE,
        "soft": soft, "c1": primary, **heat, "h5": _mixed(primary, BLACK, 0.25),
    }  # fmt: skip


def _dark(chosen: Colour) -> dict[str, Colour]:
    primary = next(
        shade for shade in _shades(chosen, WHITE)
        if contrast(shade, DARK_ON) >= READABLE
        and contrast(shade, _mixed(shade, DARK_SURFACE, 0.84)) >= READABLE
    )  # fmt: skip
    heat = {f"h{n}": _mixed(primary, DARK_SURFACE, 1 - n / 5) for n in range(1, 5)}
    return {
        "primary": primary, "primary-hover": _mixed(primary, WHITE, 0.2), "on": DARK_ON,
        "soft": _mixed(primary, DARK_SURFACE, 0.84), "c1": primary, **heat,
        "h5": _mixed(primary, WHITE, 0.25),
    }  # fmt: skip


def _shades(colour: Colour, towards: Colour) -> Iterator[Colour]:
    return (_mixed(colour, towards, step / 50) for step in range(51))


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parsed(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _written(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def _rules(colours: dict[str, Colour]) -> str:
    return " ".join(f"--{name}: {_written(colour)};" for name, colour in colours.items())
