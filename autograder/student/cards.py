"""Show results as HTML and as the same in plain text.

The HTML has the width and the colours of the notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .judge import Finding, Judgement, State
from .lab import Lab
from .words import _, ngettext, plain, points_of

_SYMBOLS: dict[State, str] = {"passed": "✓", "partial": "◐", "failed": "✗", "open": "–", "person": "?"}  # noqa: RUF001 - a dash

# Colours are those of the front end: JupyterLab's, VS Code's or Colab's variables, whichever exist. Status colours are
# mixed with the text's colour, so that they darken on light themes and brighten on dark ones.
_CSS = """
.lk{--ink:var(--jp-content-font-color1,var(--vscode-foreground,var(--colab-primary-text-color,#1f2328)));
--soft:color-mix(in srgb,var(--ink) 72%,transparent);--line:color-mix(in srgb,var(--ink) 16%,transparent);
--hue:#8a8f96;color:var(--ink);
font:14px/1.5 var(--jp-content-font-family,system-ui,-apple-system,"Segoe UI",sans-serif);
margin:4px 0 8px;padding:10px 16px 12px;border-left:5px solid var(--hue);
background:color-mix(in srgb,var(--hue) 11%,transparent);overflow-wrap:anywhere}
.lk.passed,.lk .passed{--hue:#1f9d55}.lk.partial,.lk .partial{--hue:#d08700}.lk.failed,.lk .failed{--hue:#d9453c}
.lk.lk p,.lk.lk ul{margin:0;padding:0;list-style:none}
.lk .lk-head{display:flex;flex-wrap:wrap;align-items:center;gap:2px 10px}
.lk .lk-head b{font-weight:650}.lk .lk-end{margin-left:auto;white-space:nowrap}
.lk .lk-soft,.lk .lk-end{color:var(--soft)}.lk .lk-end b{color:var(--ink)}
.lk .lk-sign{flex:none;display:inline-grid;place-items:center;width:22px;height:22px;border-radius:50%;font-weight:700;
font-size:13px;line-height:1;color:color-mix(in srgb,var(--hue) 62%,var(--ink));
background:color-mix(in srgb,var(--hue) 20%,transparent)}
.lk .lk-word{font-weight:600;color:color-mix(in srgb,var(--hue) 55%,var(--ink))}
.lk.lk li,.lk.lk .lk-body{margin:7px 0 0 32px;max-width:46em}.lk.lk li .lk-soft{display:block;font-size:13px}
.lk.lk table{border-collapse:collapse;width:100%;margin:8px 0 0;font:inherit;border:0;color:inherit;table-layout:auto}
.lk.lk td,.lk.lk th{text-align:left;vertical-align:top;padding:5px 14px 5px 0;border:0;border-top:1px solid var(--line);
background:none;font-weight:400;white-space:normal}.lk.lk tbody tr:nth-child(n),.lk.lk tr:hover{background:none}
.lk.lk thead th{border-top:0;color:var(--soft);font-size:13px}
.lk.lk .lk-num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;padding-right:0}
.lk.lk tfoot td,.lk.lk tfoot th{font-weight:650}
.lk a{color:var(--jp-content-link-color,var(--vscode-textLink-foreground,#0b57a4));font-weight:600}
.lk code{font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:.93em;background:none;color:inherit}
"""
_STYLE = f"<style>{''.join(_CSS.splitlines())}</style>"


@dataclass(frozen=True)
class Card:
    """Something to show; notebooks take the HTML, everything else the text."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def check_card(judgement: Judgement) -> Card:
    """Show what the public checks of one question found."""
    question = judgement.question
    word, points = _word(judgement), points_of(judgement.earned, judgement.possible)
    if question.manual:
        points = points_of(0, question.points)
    later = _later(judgement)
    notes = [judgement.note] if judgement.note else []
    if judgement.state == "partial" and judgement.earned == judgement.possible:
        notes.append(_("The failed check gives no points itself, but further checks need what it asks for."))
    shown = [] if judgement.state == "open" or not _ran(judgement) else list(judgement.findings)
    lines = [f"{_SYMBOLS[judgement.state]} {_name(judgement)}: {word}, {points}"]
    lines += [f"  {_bare(note)}" for note in notes]
    for finding in shown:
        lines += [f"  {'✓' if finding.passed else '✗'} {finding.what}"]
        lines += [f"    {_bare(finding.message)}"] if finding.message else []
    lines += [f"  {later}"]
    title = f' <span class="lk-soft">{escape(question.title)}</span>' if question.title else ""
    head = (
        f'<p class="lk-head">{_sign(judgement.state)}<b>{escape(question.name)}</b>{title}'
        f'<span class="lk-word">{escape(word)}</span><span class="lk-end">{_points(judgement)}</span></p>'
    )
    body = "".join(f'<p class="lk-body">{_marked(note)}</p>' for note in notes)
    if shown:
        body += f"<ul>{''.join(_finding(finding) for finding in shown)}</ul>"
    body += f'<p class="lk-body lk-soft">{escape(later)}</p>'
    return Card(_card(judgement.state, head + body), "\n".join(lines))


def table_card(lab: Lab, judgements: Sequence[Judgement]) -> Card:
    """Show the points of all questions so far, and which are open."""
    earned = sum(judgement.earned for judgement in judgements)
    possible = sum(judgement.possible for judgement in judgements)
    waiting = [judgement.question.name for judgement in judgements if judgement.state == "open"]
    wrong = [judgement.question.name for judgement in judgements if judgement.state in ("failed", "partial")]
    lines = [
        _("Public checks of {lab}: {points} so far.", lab=lab.name, points=points_of(earned, possible)),
        _(
            "The other {number} of {all} points are decided when your work is graded.",
            number=plain(lab.points - possible),
            all=plain(lab.points),
        ),
    ]
    if waiting:
        lines.append(_("Not answered yet: {names}.", names=_(", ").join(waiting)))
    if wrong:
        lines.append(_("Look again at: {names}.", names=_(", ").join(wrong)))
    state: State = "open" if waiting else "partial" if wrong else "passed"
    width = max((len(_name(judgement)) for judgement in judgements), default=0)
    text = [*lines, ""]
    rows = ""
    for judgement in judgements:
        word, points = _word(judgement), f"{plain(judgement.earned)} / {plain(judgement.possible)}"
        if judgement.question.manual:
            points = "–"  # noqa: RUF001 - a dash
        text.append(f"{_SYMBOLS[judgement.state]} {_name(judgement):<{width}}  {points:>9}  {word}")
        rows += (
            f'<tr class="{judgement.state}"><td>{_sign(judgement.state)}</td><th scope="row">'
            f'<b>{escape(judgement.question.name)}</b> <span class="lk-soft">{escape(judgement.question.title)}</span>'
            f'</th><td><span class="lk-word">{escape(word)}</span></td><td class="lk-num">{points}</td></tr>'
        )
    head = (
        f'<p class="lk-head">{_sign(state)}<b>{escape(lab.name)}</b>'
        f'<span class="lk-soft">{escape(_("public checks"))}</span>'
        f'<span class="lk-end"><b>{plain(earned)}</b> / {plain(possible)}</span></p>'
    )
    body = "".join(f'<p class="lk-body lk-soft">{escape(line)}</p>' for line in lines[1:])
    columns = ("", _("Question"), _("Public check"))
    table = (
        "<table><thead><tr>"
        + "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
        + f'<th scope="col" class="lk-num">{escape(_("Points so far"))}</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    return Card(_card(state, head + body + table), "\n".join(text))


def note_card(
    state: State, title: str, lines: Sequence[str], rows: Sequence[tuple[str, str]] = (), link: str = ""
) -> Card:
    """Show a title, a table of what was found, and the next step.

    `link` is HTML placed before the lines.
    """
    text = [f"{_SYMBOLS[state]} {title}"]
    text += [f"  {name}: {value}" for name, value in rows] + [f"  {_bare(line)}" for line in lines]
    html = f'<p class="lk-head">{_sign(state)}<b>{escape(title)}</b></p>'
    if rows:
        cells = [
            f'<tr><th scope="row" class="lk-soft">{escape(name)}</th><td>{_marked(value)}</td></tr>'
            for name, value in rows
        ]
        html += f'<div class="lk-body"><table><tbody>{"".join(cells)}</tbody></table></div>'
    html += f'<p class="lk-body">{link}</p>' if link else ""
    html += "".join(f'<p class="lk-body">{_marked(line)}</p>' for line in lines)
    return Card(_card(state, html), "\n".join(text))


def _card(state: State, inner: str) -> str:
    return f'{_STYLE}<div class="lk {state}">{inner}</div>'


def _sign(state: State) -> str:
    return f'<span class="lk-sign {state}" aria-hidden="true">{_SYMBOLS[state]}</span>'


def _name(judgement: Judgement) -> str:
    return f"{judgement.question.name} {judgement.question.title}".strip()


def _ran(judgement: Judgement) -> bool:
    """Whether any check came to a finding worth showing."""
    return any(finding.passed or finding.message for finding in judgement.findings)


def _word(judgement: Judgement) -> str:
    words = {
        "passed": _("public check passed"),
        "partial": _("partly right"),
        "failed": _("not right yet"),
        "open": _("not answered yet"),
        "person": _("marked by a person"),
    }
    return words[judgement.state]


def _later(judgement: Judgement) -> str:
    if judgement.question.manual:
        return ngettext(
            "A person reads your answer and gives up to {number} point.",
            "A person reads your answer and gives up to {number} points.",
            judgement.later,
        )
    if not judgement.later:
        return _("When your work is graded, this question is run once more.")
    return ngettext(
        "{number} more point is decided by further checks when your work is graded.",
        "{number} more points are decided by further checks when your work is graded.",
        judgement.later,
    )


def _points(judgement: Judgement) -> str:
    if judgement.question.manual:
        return points_of(0, judgement.question.points)
    return points_of(judgement.earned, judgement.possible).replace(
        plain(judgement.earned), f"<b>{plain(judgement.earned)}</b>", 1
    )


def _finding(finding: Finding) -> str:
    state, symbol = ("passed", "✓") if finding.passed else ("failed", "✗")
    message = f"<br>{_marked(finding.message)}" if finding.message else ""
    return f'<li class="{state}"><span class="lk-word">{symbol} {escape(finding.what)}</span>{message}</li>'


def _marked(text: str) -> str:
    """Escape a text; what stands between backquotes becomes code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)).replace("\n", "<br>")


def _bare(line: str) -> str:
    return line.replace("`", "")
