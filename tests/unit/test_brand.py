"""The product's colour can be read whatever it is, and the tokens keep their contrast."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views import brand
from app.views.assets import STATIC
from config import BadSetting, Settings

TEXT, MARK = 4.5, 3.0
COLOURS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")
PAIRS = [
    *((ink, ground, TEXT) for ink in ("ink", "ink2", "ink3", "primary", "bad")
      for ground in ("surface", "bg")),
    *((tone, f"{tone}-bg", TEXT) for tone in ("ok", "warn", "bad", "info", "vio", "mute")),
    ("ink3", "surface2", TEXT), ("ink2", "surface2", TEXT), ("primary", "soft", TEXT),
    ("on", "primary", TEXT), ("on", "primary-hover", TEXT), ("surface", "bad", TEXT),
    ("surface", "ok", TEXT), ("field", "surface", MARK), ("field", "bg", MARK),
    *((f"c{n}", "surface", MARK) for n in range(1, 5)),
]  # fmt: skip


def tokens(block: str) -> dict[str, tuple[int, int, int]]:
    found = re.findall(r"--([\w-]+):\s*#([0-9a-f]{6})", block)
    return {name: (int(v[:2], 16), int(v[2:4], 16), int(v[4:], 16)) for name, v in found}


LIGHT, DARK, AUTO = (
    tokens(block)
    for block in re.split(
        r':root\[data-theme="(?:dark|auto)"\]', (STATIC / "css/tokens.css").read_text()
    )
)


@pytest.mark.parametrize(("ink", "ground", "needed"), PAIRS)
def test_tokens_contrast(ink: str, ground: str, needed: float) -> None:
    for theme in (LIGHT, DARK):
        assert brand.contrast(theme[ink], theme[ground]) >= needed


def test_the_device_s_dark_is_the_chosen_dark() -> None:
    assert AUTO == DARK


@given(COLOURS)
def test_any_colour_of_the_product_is_readable(chosen: str) -> None:
    light, dark, auto = map(tokens, brand.stylesheet(chosen).splitlines())
    assert dark == auto
    for theme, base in ((light, LIGHT), (dark, DARK)):
        for ink, ground in (("primary", "soft"), ("on", "primary")):
            assert brand.contrast(theme[ink], theme[ground]) >= TEXT
        assert brand.contrast(theme["primary"], base["surface"]) >= TEXT
        assert brand.contrast(theme["c1"], base["surface"]) >= MARK


def test_a_readable_colour_stays_as_it_was_chosen() -> None:
    assert brand.accent(brand.DEFAULT) == brand.DEFAULT
    assert brand.accent("#ffcc00") != "#ffcc00"


@pytest.mark.parametrize("raw", ["red", "#12345", "#12345g", "#2f55d4;}body{display:none}"])
def test_what_is_no_colour_stops_the_boot(raw: str) -> None:
    with pytest.raises(BadSetting, match="PRODUCT_COLOUR"):
        Settings.load({"PRODUCT_COLOUR": raw})
