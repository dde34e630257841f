"""Catalogs are complete, compared with their texts, and change nothing but texts."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from autograder.authoring.master import read_master
from autograder.authoring.translate import (
    DOMAINS,
    check_translations,
    kit_catalog_path,
    kit_texts,
    lab_texts,
    lab_translations,
    messages_in,
    read_catalog,
    translated_source,
    updated_catalog,
)
from autograder.errors import KitError

ROOT = Path(__file__).resolve().parents[2]
LABS = sorted(path.stem for path in (ROOT / "solutions/locale/zh").glob("*.po"))
TEXTS = ["{name} has {count} entries: look again.", "## Question 1: One (1 point)\n\nSet `a` to $b$."]


def catalog(*entries: tuple[str, str], fuzzy: bool = False) -> bytes:
    flag = "#, fuzzy\n" if fuzzy else ""
    body = "".join(f"{flag}msgid {json.dumps(text)}\nmsgstr {json.dumps(found)}\n\n" for text, found in entries)
    return f'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n{body}'.encode()


GOOD = ((TEXTS[0], "{count} - {name}."), (TEXTS[1], "## 1: Eins (1)\n\n`a`, $b$."))


def test_a_complete_catalog_has_no_faults() -> None:
    read = read_catalog(catalog(*GOOD), TEXTS, file="x.po")
    assert read.faults == ()
    assert read.texts == dict(GOOD)
    check_translations([read])


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (catalog(GOOD[0]), "has no translation"),
        (catalog(GOOD[0], (TEXTS[1], "")), "has no translation"),
        (catalog(*GOOD, fuzzy=True), "is marked fuzzy"),
        (catalog(*GOOD, ("An old text.", "Alt.")), "is not a text of the lab any more"),
        (catalog((TEXTS[0], "{name} hat Einträge."), GOOD[1]), 'lacks "{count}"'),
        (catalog((TEXTS[0], "{name} {count} {more}"), GOOD[1]), 'adds "{more}"'),
        (catalog(GOOD[0], (TEXTS[1], "## 1: Eins (1)\n\n`x`, $b$.")), 'lacks "`a`"'),
    ],
)
def test_a_faulty_entry_is_named_and_stays_english(data: bytes, fault: str) -> None:
    read = read_catalog(data, TEXTS, file="locale/x.po")
    assert any(fault in found for found in read.faults), read.faults
    with pytest.raises(KitError, match=r"locale/x\.po") as caught:
        check_translations([read])
    assert fault in str(caught.value)
    assert "--update-translations" in str(caught.value)


def test_what_is_no_catalog_is_refused() -> None:
    with pytest.raises(KitError, match="not a gettext catalog"):
        read_catalog(b"PK and some other bytes", TEXTS, file="x.po")


def test_an_update_keeps_translations_and_marks_changed_texts() -> None:
    changed = [TEXTS[0], TEXTS[1].replace("One", "Ones"), "A new sentence of the lab."]
    data = updated_catalog(catalog(*GOOD), changed, language="de", file="x.po")
    read = read_catalog(data, changed, file="x.po")
    assert read.texts == {TEXTS[0]: GOOD[0][1]}
    assert any("fuzzy" in fault for fault in read.faults)
    assert any("no translation" in fault for fault in read.faults)
    assert len(read.faults) == 2
    again = updated_catalog(data, changed, language="de", file="x.po")
    assert updated_catalog(again, changed, language="de", file="x.po") == again


def test_messages_are_sentences_and_no_docstrings() -> None:
    source = (
        'def test(a):\n    """Not this one, it is a docstring."""\n'
        '    raise CheckFailed("{a} is not right: try again.", {"x": "no"})\n'
    )
    assert messages_in(source) == ["{a} is not right: try again."]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_kit_is_translated_completely(domain: str) -> None:
    path = kit_catalog_path("zh", domain)
    assert read_catalog(path.read_bytes(), kit_texts(domain), file=path.name).faults == ()
    assert len(read_po(io.BytesIO(path.read_bytes()))) > 50


@pytest.mark.parametrize("lab", LABS)
def test_the_labs_are_translated_completely(lab: str) -> None:
    master = read_master((ROOT / f"solutions/{lab}.py").read_text(encoding="utf-8"), name=lab, file=lab)
    assert lab_translations(ROOT, master)["zh"].faults == ()


@pytest.mark.parametrize("lab", LABS)
def test_a_translated_notebook_differs_in_texts_only(lab: str) -> None:
    """Cells, ids, tags and code are the same in both languages.

    Only text cells, titles of folded cells, comments of the kit's own cells and the set-up differ.
    """
    english, chinese = (
        json.loads((ROOT / "assignment" / name).read_text(encoding="utf-8"))
        for name in (f"{lab}.ipynb", f"zh/{lab}.ipynb")
    )
    assert len(english["cells"]) == len(chinese["cells"])
    texts = 0
    for one, other in zip(english["cells"], chinese["cells"], strict=True):
        assert (one["id"], one["metadata"]) == (other["id"], other["metadata"])
        if one["cell_type"] == "markdown":
            texts += one["source"] != other["source"]
        elif one["id"] == "set-up":
            assert 'language="zh"' in "".join(other["source"])
        else:
            assert [line.partition("#")[0] for line in one["source"]] == [
                line.partition("#")[0] for line in other["source"]
            ]
    assert texts == sum(cell["cell_type"] == "markdown" for cell in english["cells"])


@pytest.mark.parametrize("lab", LABS)
def test_titles_of_folded_cells_are_chinese_in_the_chinese_notebook(lab: str) -> None:
    """A title is all that students see of these cells."""
    notebook = json.loads((ROOT / "assignment/zh" / f"{lab}.ipynb").read_text(encoding="utf-8"))
    folded = [cell for cell in notebook["cells"] if cell["metadata"].get("jupyter", {}).get("source_hidden")]
    titles = [cell["source"][0] for cell in folded]
    assert len(titles) >= 1
    assert [title for title in titles if not re.match(r"# @title [^a-zA-Z]*[\u4e00-\u9fff]", title)] == []


@pytest.mark.parametrize(
    ("source", "translated"),
    [
        ('# @title How it works {display-mode: "form"}\nx = 1', '# @title Wie es geht {display-mode: "form"}\nx = 1'),
        ("#@title How it works", "#@title Wie es geht"),
        ("# @title How it works  \nprint('How it works')", "# @title Wie es geht  \nprint('How it works')"),
        ("# @title How it fails", "# @title How it fails"),
        ("# How it works", "# How it works"),
        ("x = 1\n# @title How it works", "x = 1\n# @title How it works"),
    ],
)
def test_of_a_code_cell_the_title_alone_is_translated(source: str, translated: str) -> None:
    assert translated_source("code", source, {"How it works": "Wie es geht", "x = 1": "y = 1"}) == translated


def test_a_title_is_a_text_of_the_lab(master_text: str) -> None:
    cell = '# %%\n# @title How it works {display-mode: "form"}\nx = 1\n\n# %% [markdown]\n'
    master = read_master(master_text.replace("# %% [markdown]\n", cell, 1), name="fractions", file="fractions.py")
    assert "How it works" in lab_texts(master)


@pytest.mark.parametrize("lab", LABS)
def test_no_line_of_a_chinese_text_breaks_between_two_chinese_characters(lab: str) -> None:
    """Browsers show such a break as a space."""
    notebook = json.loads((ROOT / "assignment/zh" / f"{lab}.ipynb").read_text(encoding="utf-8"))
    texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert [text for text in texts if re.search(r"[\u4e00-\u9fff]\n *[\u4e00-\u9fff]", text)] == []
