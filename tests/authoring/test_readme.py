"""The page students start with."""

from __future__ import annotations

import pytest

from autograder.authoring.readme import ListedLab, colab_folder, student_readme

LABS = (ListedLab("one", "First", 3, 10.0, hand_in="Moodle, Lab 1"), ListedLab("two", "Second", 1, 2.5))


def test_every_lab_is_listed_with_its_points_and_place() -> None:
    text = student_readme(LABS, published=None).decode()
    assert "| `one.ipynb` | First | 3 | 10 |" in text
    assert "| `two.ipynb` | Second | 1 | 2.5 |" in text
    assert "- one: Moodle, Lab 1" in text
    assert "colab-badge" not in text
    assert "{" not in text


def test_the_badge_leads_to_the_published_notebook() -> None:
    text = student_readme(LABS, published="https://github.com/me/my-course/tree/main/assignment/").decode()
    assert "(https://colab.research.google.com/github/me/my-course/blob/main/assignment/two.ipynb)" in text


@pytest.mark.parametrize(
    "address", ["https://gitlab.com/me/course/tree/main/a", "github.com/me/course", "https://github.com/me/course"]
)
def test_other_addresses_are_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match=r"https://github\.com/OWNER/REPOSITORY/tree/main/assignment"):
        colab_folder(address)
