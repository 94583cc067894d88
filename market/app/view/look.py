"""The style sheets: of pictures and tables wherever they stand, and of the page."""

PANEL_CSS = """
.vppmarket { height: 100%; overflow: auto; background: #fff; color: #1f2933; }
.panel svg.drawing { width: 100%; height: auto; display: block; font-family: inherit; }
.panel .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr));
  gap: 14px; align-items: start; }
.panel .box { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; padding: 8px 14px 10px;
  margin-bottom: 12px; overflow-x: auto; }
.panel svg.network { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; }
.panel svg.network { max-height: max(400px, calc(100vh - 225px)); }
.panel .box h2 { font-size: 15px; font-weight: 650; margin: 2px 0 6px; }
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
.panel .columns.broad { grid-template-columns: repeat(auto-fit, minmax(min(640px, 100%), 1fr)); }
.panel svg [data-series] { pointer-events: none; }
.panel svg[data-x] { touch-action: pan-y; }
.panel svg[data-x] { user-select: none; }
.panel :focus-visible { outline: 3px solid #0072b2; outline-offset: 1px; border-radius: 4px; }
.panel g:focus-visible circle { stroke: #0072b2; stroke-width: 5; }
.panel .box.sellers .wide, .panel .box.buyers .wide { max-height: 330px; overflow: auto; }
.panel .run-name { font-size: 16px; font-weight: 700; margin: 0 0 6px; overflow-wrap: anywhere; }
.field { display: flex; flex-direction: column; gap: 2px; font-size: 13.5px; min-width: 0; }
.field label { color: #4a5560; font-size: 12.5px; }
.field input:not([type=checkbox]), .field select { border: 1px solid #8a949e; border-radius: 4px; padding: 3px 6px;
  width: 100%; background: #fff; color: #1f2933; font: inherit; min-height: 28px; }
.field select { appearance: auto; -webkit-appearance: auto; }
.field input::placeholder { color: #6a747e; }
.field input[aria-invalid=true] { border-color: #b34d00; }
.field input[type=checkbox] { align-self: start; width: 18px; height: 18px; }
.field .wrong { color: #a04400; font-size: 12.5px; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 14px; align-items: baseline; }
.facts .what { color: #5f6b76; }
"""

CSS = (
    PANEL_CSS
    + """
.v-application { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif !important; }
.shell { display: grid; grid-template-columns: 252px minmax(0, 1fr); gap: 18px; padding: 10px 14px; }
.shell.wide { grid-template-columns: minmax(0, 1fr); }
.shell .market-page { min-width: 0; grid-column: -2; grid-row: 1; }
.side { border-right: 1px solid #dfe3e8; padding-right: 14px; min-width: 0; grid-column: 1; grid-row: 1; }
.head { display: flex; align-items: start; gap: 6px; }
.heads { display: flex; flex-direction: column; gap: 2px; min-width: 0; }
.head .toggle { min-width: 34px !important; padding: 0 6px !important; font-size: 18px; }
.head .name { font-weight: 700; font-size: 17px; line-height: 1.3; overflow-wrap: anywhere; margin: 0; }
.v-application .market-page { color: #1f2933; display: flex; flex-direction: column; gap: 8px; min-width: 0; }
.market-page .solara-autorouter-content { max-width: none; }
.market-page .v-window { display: none; }
.market-page .v-tabs { flex: none; height: 44px; overflow: hidden; }
.market-page .v-tabs-bar { height: 44px; }
.market-page .transport { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.transport .field { flex-direction: row; align-items: center; gap: 6px; }
.transport .field select { width: 66px; }
.transport .position { flex: 1 1 260px; min-width: 200px; }
.transport .named { font-weight: 600; min-width: 90px; }
.abreast { display: grid; grid-template-columns: repeat(var(--abreast), minmax(0, 1fr)); gap: 18px; }
.v-progress-linear--absolute { display: none; }
.controls details { display: flex; flex-direction: column; gap: 8px; }
.controls summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
.controls details .field { margin-bottom: 8px; }
.fault, .exported { overflow-wrap: anywhere; white-space: pre-line; font-size: 13.5px; min-width: 0; }
.fault .v-alert__content, .exported .v-alert__content { min-width: 0; }
@media (max-width: 760px) {
  .shell, .shell.wide { grid-template-columns: minmax(0, 1fr); padding: 8px; }
  .shell .market-page, .shell .side { grid-column: 1; grid-row: auto; }
  .side { border-right: 0; border-top: 1px solid #dfe3e8; padding: 12px 0 0; }
  .abreast { grid-template-columns: minmax(0, 1fr); }
  .panel .box { padding: 6px 8px 8px; }
}
.controls { font-size: 14px; padding: 4px 2px; }
.controls .rule { color: #3c4751; }
.market-page .v-btn, .controls .v-btn { text-transform: none; letter-spacing: 0; }
.market-page .v-tab { text-transform: none; letter-spacing: 0; min-width: 72px; padding: 0 12px; }
.state-chip { border-radius: 12px; padding: 2px 10px; color: #fff; font-weight: 600;
  font-size: 13px; background: #5f6b76; }
.state-chip.going-on { background: #0072b2; } .state-chip.ended { background: #00755a; }
.state-chip.broken { background: #b34d00; }
"""
)
