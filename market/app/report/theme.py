"""The style sheet of HTML pages, on screen and on paper."""

CSS = """
:root { --ink: #1d2733; --soft: #5b6773; --line: #dde2e7; --accent: #0072b2; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; color: var(--ink); background: #f6f7f9;
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header { background: #12344d; color: #fff; padding: 2rem max(1.2rem, calc((100vw - 66rem) / 2)) 1.5rem; }
header h1 { margin: 0; font-size: 1.75rem; line-height: 1.25; overflow-wrap: anywhere; }
header p { margin: .4rem 0 0; color: #c9dbe8; overflow-wrap: anywhere; }
nav { position: sticky; top: 0; z-index: 1; background: #fff; border-bottom: 1px solid var(--line);
  padding: .5rem max(1.2rem, calc((100vw - 66rem) / 2)); display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
nav a { color: var(--accent); text-decoration: none; font-size: .92rem; }
nav a:hover { text-decoration: underline; }
main { max-width: 66rem; margin: 0 auto; padding: 1.2rem; }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: .4rem 1.6rem 1.4rem;
  margin-bottom: 1.4rem; scroll-margin-top: 4rem; }
h2 { font-size: 1.3rem; margin: 1rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
p, li { max-width: 48rem; }
.callout { border-left: 5px solid; padding: .6rem 1rem; background: #eef7f3; border-color: #009e73; }
.callout.bad { background: #fdf1ea; border-color: #d55e00; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .8rem; margin: 1rem 0; }
.cards div { border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; }
.cards strong { display: block; font-size: 1.12rem; }
.cards span { color: var(--soft); font-size: .88rem; }
figure { margin: 1.2rem 0 0; }
figure img { width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .92rem; max-width: 48rem; margin-top: .4rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th { text-align: left; border-bottom: 2px solid var(--ink); padding: .25rem .8rem; vertical-align: bottom;
  font-weight: 600; }
td { border-bottom: 1px solid var(--line); padding: .25rem .8rem; overflow-wrap: break-word; }
summary { cursor: pointer; color: var(--accent); margin: .8rem 0; }
summary:focus-visible, nav a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
summary h2 { display: inline; color: var(--ink); }
section > details > summary { margin: 1rem 0 .6rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
th.number { max-width: 8rem; }
tr.sum td { font-weight: 700; border-top: 2px solid var(--ink); }
@media print {
  body, section { background: #fff; border: 0; } nav { display: none; }
  header { background: none; color: #000; } header p { color: #444; }
  figure, tr { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""
