"""An inspection as one self-contained HTML page."""

from __future__ import annotations

from seqspec.data.inspect.drawing import draw, escape, shown
from seqspec.data.inspect.finding import VERDICTS, Finding
from seqspec.data.inspect.inspection import Inspection

STYLE = """
:root { color-scheme: light dark; font-family: system-ui, "Noto Sans", "Noto Sans JP", sans-serif; line-height: 1.5; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8885; padding: .4rem 0 1rem; }
h2 { font-size: 1rem; font-weight: 600; margin: .6rem 0 .2rem; }
.badge { display: inline-block; min-width: 4.6rem; text-align: center; border-radius: .3rem; color: #fff; font-size: .8rem; }
.error { background: #c53030; } .warn { background: #b7791f; } .info { background: #2b6cb0; }
.ok { background: #2f855a; } .accepted { background: #718096; }
.advice::before { content: "→ "; } .advice { color: #b7791f; }
figure { margin: .8rem 0; } figcaption { font-size: .85rem; opacity: .8; }
table { border-collapse: collapse; font-size: .8rem; } td, th { border: 1px solid #8884; padding: .15rem
.5rem; text-align: left; vertical-align: top; } td.number { text-align: right; font-variant-numeric: tabular-
nums; } .wide { overflow-x: auto; } li, td { overflow-wrap: anywhere; } ul { margin: .3rem 0; font-size:
.9rem; } details { font-size: .85rem; } svg { max-width: 100%; } nav a { margin-right: .6rem; text-decoration:
none; } header p { opacity: .8; }
"""  # noqa: E501


POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)


def as_page(inspection: Inspection) -> str:
    """The whole page; nothing is fetched when it is opened."""
    counts = ", ".join(f"{inspection.count(verdict)} {verdict}" for verdict in VERDICTS)
    sections = "".join(_section(number, finding) for number, finding in enumerate(inspection.findings))
    links = "".join(
        f'<a href="#f{number}"><span class="badge {f.verdict}">{f.check}</span></a>'
        for number, f in enumerate(inspection.findings)
    )
    title = f"Data of {escape(inspection.name)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"{POLICY}"
        f"<style>{STYLE}</style></head><body><header><h1>{title}</h1>"
        f"<p>{counts}; looked at in {inspection.seconds:.1f} s</p><nav>{links}</nav></header>"
        f"{sections}</body></html>\n"
    )


def _section(number: int, finding: Finding) -> str:
    examples = "".join(f"<li>{escape(example)}</li>" for example in finding.examples)
    figures = "".join(draw(figure) for figure in finding.figures)
    numbers = "".join(
        f"<tr><td>{escape(k)}</td><td class='number'>{shown(v)}</td></tr>" for k, v in finding.numbers.items()
    )
    details = f"<details><summary>figures</summary><table>{numbers}</table></details>" if numbers else ""
    return (
        f'<section id="f{number}"><h2><span class="badge {finding.verdict}">{finding.verdict}</span> '
        f"{finding.check} {escape(finding.message)}</h2>"
        + (f'<p class="advice">{escape(finding.advice)}</p>' if finding.advice else "")
        + (f"<ul>{examples}</ul>" if examples else "")
        + figures
        + details
        + "</section>"
    )
