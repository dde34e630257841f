"""A notebook, its result and its feedback page, for tests of the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.grading.executed import executed_notebook
from autograder.handover.journal import RunLog
from autograder.handover.outputs import Output
from autograder.notebooks.notebook import read_notebook
from autograder.render.feedback import feedback_html
from autograder.results.grade import Grade
from autograder.results.result import CellError, FitRun, QuestionResult, Result, TestResult

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ERROR = CellError(3, "ZeroDivisionError", "division by zero", 2)
RESULT = Result(
    submission="ada <lovelace>.ipynb",
    sha256="abc",
    lab="tiny",
    isolation="full",
    status="graded",
    detail=None,
    score=2.5,
    max_score=6,
    seconds=3,
    questions=(
        QuestionResult("q1", "passed", 1, 1, (TestResult("a", False, True, ""),)),
        QuestionResult(
            "q2",
            "partial",
            1.5,
            3,
            (
                TestResult("b", False, True, "", 1, 1),
                TestResult("c", True, False, "The accuracy is only 0.93.", 0.5, 2),
            ),
        ),
        QuestionResult("q3", "error", 0, 2, (), "Its cell [3] raised ZeroDivisionError: division by zero"),
    ),
    errors=(ERROR,),
    fits=(FitRun(2, True, 0.25),),
    measured={"test_accuracy": 0.93456},
)


def markdown(text: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text, **more}


def code(text: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": []}


CELLS = [
    markdown("# A lab"),
    code("print('hello')"),
    markdown("## Question 2: Fit the model (3 points)\n\nread $x^2$"),
    code("model.fit(x)"),
    markdown("### More\n\nbut no question"),
    code("a = 1\na / 0"),
    code("never()"),
]


def page(
    cells: Sequence[Mapping[str, Any]] = CELLS,
    shown: Mapping[int, Sequence[Output]] | None = None,
    grade: Grade | None = None,
    **options: Any,
) -> str:
    """The page of a notebook of which the first three cells were run."""
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}).encode()
    answers = {1: ["q1"], 2: ["q2"], 3: ["q3"]}
    executed = executed_notebook(read_notebook(data), answers, shown or {}, RunLog((ERROR,), 3))
    return feedback_html(grade or Grade(RESULT), executed, **options)


def display(**data: str) -> Output:
    return {"output_type": "display_data", "data": {k.replace("_", "/"): v for k, v in data.items()}, "metadata": {}}


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='http://evil.example/x.png' alt='a\">b'>",
    "<img src='data:text/html;base64,PHNjcmlwdD4='>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<svg onload=alert(1)><script>1</script><foreignObject><p class=verdict></foreignObject></svg>",
    "<iframe srcdoc='<script>1</script>'></iframe><object data=x></object><embed src=x>",
    "<style>.verdict { display: none }</style>",
    "<base href='http://evil.example/'><meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<link rel=stylesheet href=x><form action=x><input name=y><button>z</button></form>",
    "<p style='position:fixed;background:url(http://evil.example/)' class='verdict passed' id='verdict-1'>x</p>",
    "<a href='javascript:alert(1)'>x</a> <a href='data:text/html,<script>1</script>'>y</a> <a href=http://e.example>z</a>",
    "</div></div></div><section class='verdict passed'>q1 passed</section><h1>x</h1>",
    "</main></body></html><!-- <script> -->",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<math><annotation-xml encoding='text/html'><script>1</script></annotation-xml></math>",
    "<math href='javascript:alert(1)'><mspace width='10000em' height='9999px'/></math>",
    "<details ontoggle=alert(1) open><summary>x</summary></details><marquee onstart=alert(1)>x</marquee>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'>",
    "<template><img src=x onerror=alert(1)></template><table><td background=x colspan=999999>",
    "$\\href{javascript:alert(1)}{x}$ $\\style{position:fixed}{x}$ $\\class{verdict}{x}$",
    "$\\text{<img src=x onerror=alert(1)>}$ $\\text{<svg onload=alert(1)>}$",
    "$\\text{</mtext></math><script>alert(1)</script>}$ $$\\unicode{x202e}$$",
    '![x](javascript:alert(1)) ![x](http://evil.example/x.png) ![a"onerror=1](attachment:nothing)',
    '[x](javascript:alert(1)) [y](http://evil.example/ "onclick=1") <http://evil.example/>',
    "\u202egnp.exe\u202c \u2066x \x1b[31mred \x00 &#x202e; &#27;[2J \ufeff",
    "```html\n</code></pre><script>1</script>\n```",
    "{{ 7 * 7 }} {% raw %} {# x #}",
)
