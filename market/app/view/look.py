"""The style sheet of the page."""

CSS = """
.v-application { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif !important; }
.shell { display: grid; grid-template-columns: 252px minmax(0, 1fr); gap: 18px; padding: 10px 14px; }
.shell.wide { grid-template-columns: minmax(0, 1fr); }
.side { border-right: 1px solid #dfe3e8; padding-right: 14px; }
.head { display: flex; align-items: center; gap: 6px; }
.head .toggle { min-width: 34px !important; padding: 0 6px !important; font-size: 18px; }
.head .name { font-weight: 700; font-size: 17px; }
.v-application .market-page { color: #1f2933; display: flex; flex-direction: column; gap: 8px; min-width: 0; }
.market-page .solara-autorouter-content { max-width: none; }
.market-page .v-window { display: none; }
.panel svg.drawing { width: 100%; height: auto; display: block; font-family: inherit; }
.panel .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr));
  gap: 14px; align-items: start; }
.panel .box { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; padding: 8px 14px 10px;
  margin-bottom: 12px; overflow-x: auto; }
.panel svg.network { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; }
.panel svg.network { max-height: max(400px, calc(100vh - 225px)); }
.panel h3 { font-size: 15px; font-weight: 650; margin: 2px 0 6px; }
.panel .note { color: #5f6b76; font-size: 13.5px; margin: 6px 0; }
.panel table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
.panel .wide { margin: 0; overflow-x: auto; }
.panel th { text-align: left; font-weight: 600; border-bottom: 1.5px solid #1f2933;
  padding: 2px 8px; vertical-align: bottom; }
.panel th { white-space: nowrap; }
.panel td { border-bottom: 1px solid #eceff2; padding: 2px 8px; }
.panel .number { text-align: right; }
.panel td.number { white-space: nowrap; }
.panel tr.sum td { font-weight: 700; border-top: 1.5px solid #1f2933; }
.panel .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr));
  gap: 10px; margin: 8px 0; }
.panel .cards div { border: 1px solid #dfe3e8; border-radius: 6px; padding: 8px 12px; }
.panel .cards strong { display: block; font-size: 17px; }
.panel .cards span { color: #5f6b76; font-size: 13px; }
.panel .callout { border-left: 5px solid #009e73; background: #eef7f3; padding: 8px 12px; font-size: 14px; }
.panel .callout.bad { border-color: #d55e00; background: #fdf1ea; }
.panel .figure svg { width: 100%; height: auto; }
.panel .figure { max-width: 980px; }
.panel .accounts th, .panel .carbon th, .panel .certificate th { white-space: normal; }
.panel .accounts td, .panel .carbon td { white-space: nowrap; padding: 2px 6px; }
.panel [data-pick] { cursor: pointer; }
.panel .hover .card { visibility: hidden; pointer-events: none; }
.panel .hover:hover .card { visibility: visible; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 14px; align-items: baseline; }
.facts .what { color: #5f6b76; }
.market-page .transport { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.controls { font-size: 14px; padding: 4px 2px; }
.controls .rule { color: #3c4751; }
.market-page .v-btn, .controls .v-btn { text-transform: none; letter-spacing: 0; }
.market-page .v-tab { text-transform: none; letter-spacing: 0; min-width: 72px; padding: 0 12px; }
.state-chip { border-radius: 12px; padding: 2px 10px; color: #fff; font-weight: 600;
  font-size: 13px; background: #5f6b76; }
.state-chip.going-on { background: #0072b2; } .state-chip.ended { background: #009e73; }
.state-chip.broken { background: #d55e00; }
"""
