"""How a table is written: as Markdown, LaTeX and CSV, alone and with the paper's numbers beside."""

from __future__ import annotations

from panda_ray.reports.reproduction.paper_table import Entry, Line, Table, beside
from panda_ray.reports.reproduction.value import Value, printed
from panda_ray.reports.reproduction.written.writing import csv_text, latex, markdown

OURS = Table(
    ("method", "source"),
    ("cb", "average", "collapsed"),
    (
        Line(
            ("PanDa", "a_b"), (Entry(Value({1: 80.0, 2: 81.0}, 3)), Entry(printed(77.05), gain=printed(-1.25)), "0/9")
        ),
        Line(("PanDa", "-c"), (Entry(None), Entry(None), "")),
    ),
    ("A note.",),
)
PAPERS = Table(
    ("method", "source"),
    ("cb", "average", "collapsed"),
    (
        Line(("PanDa", "a_b"), (Entry(printed(80.0, "odd")), Entry(printed(78.0), gain=printed(0.2)), "1/9")),
        Line(("PanDa", "-c"), (Entry(printed(5.0)), Entry(None), "")),
    ),
)


def test_markdown_has_deviations_missing_seeds_gains_and_what_is_absent() -> None:
    assert markdown("T", OURS) == (
        "**T**\n\n"
        "| method | source | CB | average | collapsed |\n"
        "| --- | --- | ---: | ---: | ---: |\n"
        "| PanDa | a_b | 80.5 ± 0.7† | 77.1 (−1.3) | 0/9 |\n"
        "| PanDa | \\-c | – | – |  |\n\n"
        "- A note.\n"
        "- Mean ± standard deviation over seeds.\n"
        "- † Some seeds are missing.\n"
        "- – Not computed; an average needs all of its cells.\n"
    )


def test_the_papers_numbers_stand_beside_ours_with_the_difference_and_their_errata() -> None:
    text = markdown("T", beside(OURS, PAPERS))
    assert "| 80.5 ± 0.7† [80.0‡, Δ +0.5] | 77.1 (−1.3) [78.0 (+0.2), Δ −1.0] | 0/9 \\[1/9\\] |" in text
    assert "| – [5.0] | – |  |" in text
    assert "- ‡ PanDa a_b: CB: odd.\n" in text


def test_words_stand_left_and_numbers_right_and_a_number_is_no_list() -> None:
    table = Table(("task",), ("kind", "rate"), (Line(("mnli",), ("", "0.005")), Line(("x",), ("NLI", "1."))))
    lines = markdown("T", table).splitlines()
    assert lines[3:] == ["| --- | --- | ---: |", "| MNLI |  | 0.005 |", "| x | NLI | 1\\. |"]
    assert r"\begin{tabular}{llr}" in latex("T", table)


def test_latex_is_a_float_that_says_its_notes_escapes_names_and_writes_a_method_once() -> None:
    lines = latex("Table IV: several_sources, bert", beside(OURS, PAPERS)).splitlines()
    assert lines[1:8] == [
        r"\begin{table*}",
        r"\centering",
        r"\caption{Several\_sources, bert}",
        r"\label{tab:table-iv-several-sources-bert}",
        r"\begin{adjustbox}{max width=\textwidth, max totalheight=0.8\textheight}",
        r"\begin{tabular}{llrrr}",
        r"\toprule",
    ]
    notes = lines[-2]
    assert notes.startswith(r"\par\smallskip\footnotesize A note. ")
    assert r"$^\ddagger$ PanDa a\_b: CB: odd." in notes
    assert r"$^\dagger$ Some seeds are missing." in notes
    assert [lines[-1], *lines[-7:-2]] == [
        r"\end{table*}",
        r"PanDa & a\_b & 80.5 $\pm$ 0.7$^\dagger$ [80.0$^\ddagger$, $\Delta$ +0.5] & "
        r"77.1\textsubscript{$-$1.3} [78.0\textsubscript{+0.2}, $\Delta$ $-$1.0] & 0/9 [1/9] \\",
        r" & -c & -- [5.0] & -- &  \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{adjustbox}",
    ]


def test_csv_has_a_column_for_each_thing_that_a_columns_numbers_have_and_no_formula() -> None:
    assert csv_text(OURS) == (
        "method,source,cb,cb std,cb n,average,average gain,collapsed\n"
        "PanDa,a_b,80.5,0.7,2,77.1,-1.3,0/9\n"
        "PanDa,'-c,,,,,,\n"
    )
    header, first, second = csv_text(beside(OURS, PAPERS)).splitlines()
    assert header == (
        "method,source,cb,cb std,cb n,cb paper,cb difference,"
        "average,average gain,average paper,average paper gain,average difference,collapsed"
    )
    assert first == "PanDa,a_b,80.5,0.7,2,80.0,0.5,77.1,-1.3,78.0,0.2,-1.0,0/9 [1/9]"
    assert second == "PanDa,'-c,,,,5.0,,,,,,,"
