"""Templates of Flask-AppBuilder that ours replace: look at what changed there, then at ours."""

import hashlib
from pathlib import Path

import flask_appbuilder

OURS = Path(__file__).parents[2] / "app" / "templates"
THEIRS = Path(flask_appbuilder.__file__).parent / "templates"

# SHA-256 of the originals that ours were written against, Flask-AppBuilder 5.3.
SEEN = {
    "appbuilder/init.html": "63cd58ec542d996fa33839b677cbe2c089da35a0085222ad01b2bfcb8a119cb8",
    "appbuilder/general/model/add.html":
        "321397131fa0a95f023ca86ada387c4f88aa56049b59dc3d4a088c7df08a7290",
    "appbuilder/general/model/edit.html":
        "a10db10430c6aa9fe27f160900d700ab1a2f7443b714e0c2550acb4f66fe3a66",
    "appbuilder/general/model/list.html":
        "7c11106ff27fb6d248f340f40b533d8c8d06f70db9724a1293bc4e6b3993e597",
    "appbuilder/general/model/show.html":
        "67a574db1dc124a2216ff7a685718044bfe0f78f85d67116915e09aee522a1ea",
    "appbuilder/general/widgets/form.html":
        "640a41d53d00a1841584ccd0fcc29e517d664e869b9505b9d7836f9da04b51ce",
    "appbuilder/general/widgets/list.html":
        "2a0fad48fe42239c756dbc963dcefa3cba1181c6d699378bc811dd081ebdb662",
    "appbuilder/general/widgets/search.html":
        "36c988fa2af397d9471690521224384abc13a4156b3bc744459f59ba7c7471c0",
    "appbuilder/general/widgets/show.html":
        "babd5b80d4e383c4a0a2a6d535f3aaf17285eb4e9d76e1bbf8f0cfe85586358a",
}  # fmt: skip


def test_no_original_of_a_replaced_template_has_changed() -> None:
    found = {name: hashlib.sha256((THEIRS / name).read_bytes()).hexdigest() for name in SEEN}
    assert found == SEEN


def test_every_template_that_replaces_one_is_watched() -> None:
    shadows = {str(path.relative_to(OURS)) for path in OURS.glob("appbuilder/**/*.html")}
    assert shadows == set(SEEN)
