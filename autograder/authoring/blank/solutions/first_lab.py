# %% [raw]
# # ASSIGNMENT CONFIG
# name: first_lab
# init_cell: true
# tests:
#   ok_format: false
# export_cell:
#   pdf: false
#   run_tests: false

# %% [markdown]
# # A week of rain
#
# A small lab to start from: a table, a function and a choice. Replace it with your own.

# %%
import csv

import numpy as np

with open("rain.csv", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
days = [row["day"] for row in rows]
rain = np.array([float(row["millimetres"]) for row in rows])

# %% tags=["test-helpers"]
import csv

import numpy as np

from autograder.checks.core import CheckFailed, check
from autograder.checks.values import choice, number, present, result_of


def true_week():
    """Return days and rain from the file.

    A student can change `days` and `rain` of the notebook.
    """
    with open("rain.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["day"] for row in rows], np.array([float(row["millimetres"]) for row in rows])

# %% [raw]
# # BEGIN QUESTION
# name: q1
# points: 2

# %% [markdown]
# ## Question 1: the wettest day (2 points)
#
# `rain` holds the rain of each day in millimetres, `days` the names of the days. Set `total` to the rain of the whole
# week and `wettest` to the name of the day with the most rain. Compute both from the arrays.

# %% [raw]
# # BEGIN SOLUTION

# %%
total = rain.sum()  # SOLUTION
wettest = days[int(rain.argmax())]  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: false
""" # END TEST CONFIG
@check
def test_q1_total(total):
    """the total"""
    _, rain = true_week()
    found = number(total, "total")
    if abs(found - np.mean(rain)) < 1e-6:
        raise CheckFailed("{name} is the mean of the week: add the days up.", {"name": "total"})
    if abs(found - np.sum(rain)) > 1e-6:
        raise CheckFailed("{name} is not the sum of all days.", {"name": "total"})

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: false
""" # END TEST CONFIG
@check
def test_q1_wettest(wettest):
    """the wettest day"""
    days, rain = true_week()
    if present(wettest, "wettest") not in days:
        raise CheckFailed("{name} is not the name of a day: take it from `days`.", {"name": "wettest"})
    if wettest != days[int(np.argmax(rain))]:
        raise CheckFailed("{name} is a day with less rain than another.", {"name": "wettest"})

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: q2
# points: 2

# %% [markdown]
# ## Question 2: a function (2 points)
#
# Write `rainy_days(amounts, limit)`: how many entries of the array `amounts` are larger than `limit`.

# %% [raw]
# # BEGIN SOLUTION

# %%
def rainy_days(amounts, limit):
    # BEGIN SOLUTION
    return int((amounts > limit).sum())
    # END SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: false
""" # END TEST CONFIG
@check
def test_q2_counts(rainy_days):
    """three small weeks"""
    for amounts, limit in (([1.0, 5.0, 2.0], 1.5), ([0.0, 0.0], 0.0), ([7.0], 3.0)):
        found = number(result_of(rainy_days, "rainy_days", np.array(amounts), limit), "the result of rainy_days")
        if found != sum(amount > limit for amount in amounts):
            raise CheckFailed(
                "rainy_days gives {found:g} for {amounts} and the limit {limit}: count the entries above the limit, "
                "and do not count those equal to it.",
                {"found": found, "amounts": str(amounts), "limit": limit},
            )

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q2_other_arrays(rainy_days):
    """a longer array"""
    amounts = np.linspace(-3, 9, 50)
    found = number(result_of(rainy_days, "rainy_days", amounts, 4.2), "the result of rainy_days")
    if found != np.sum(amounts > 4.2):
        raise CheckFailed("rainy_days is wrong for a longer array: use its parameters, not the data of this lab.", {})

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: q3
# points: 1

# %% [markdown]
# ## Question 3: mean or median (1 point)
#
# One day of heavy rain is added to the week. What changes less?
#
# - **a**: the mean
# - **b**: the median
# - **c**: both change by the same amount
#
# Set `changes_less` to the letter of your choice, for example `"a"`.

# %% [raw]
# # BEGIN SOLUTION

# %%
changes_less = "b"  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 0
hidden: false
""" # END TEST CONFIG
@check
def test_q3_is_a_choice(changes_less):
    """an option is chosen"""
    choice(changes_less, "changes_less", "abc")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q3_is_right(changes_less):
    """the choice"""
    choice(
        changes_less,
        "changes_less",
        "abc",
        right="b",
        why={"a": "The mean takes every value into account, so one large value moves it."},
    )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION
