"""How the pages of statements look: at any width, and in print."""

from __future__ import annotations

STYLE = """\
<style>
:root{--ink:#1c2430;--muted:#55606e;--line:#e2ded2;--paper:#f7f5ef;--card:#fffefb;--main:#0b6e69}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 Inter,"Helvetica Neue",system-ui,Arial,"Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:860px;margin:0 auto;padding:32px 20px 56px}
main.wide{max-width:1160px}
.eyebrow{margin:0;text-transform:uppercase;letter-spacing:.09em;font-size:.75rem;font-weight:600;color:var(--main)}
h1{font-size:clamp(1.4rem,4.5vw,2.1rem);line-height:1.2;letter-spacing:-.02em;margin:.2em 0 .4em;
overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:1.6em 0 .5em}
h3{font-size:1rem;margin:1.6em 0 .5em}
a{color:var(--main)}
.lead,footer{color:var(--muted);overflow-wrap:anywhere}
footer{margin-top:36px;font-size:.875rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:2px 16px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
th,td{padding:7px 0;text-align:left;vertical-align:top;font-weight:400;border-bottom:1px solid var(--line);
overflow-wrap:anywhere}
tbody:last-child>tr:last-child>*{border-bottom:0}
.n{text-align:right;white-space:nowrap;padding-left:14px;overflow-wrap:normal}
.sum>*{font-weight:650}
.line,summary{display:grid;grid-template-columns:6.4em 1fr auto;gap:0 14px;padding:8px 0 8px 18px;position:relative;
overflow-wrap:anywhere}
.days>*{border-bottom:1px solid var(--line)}
.days>:last-child{border-bottom:0}
.day{color:var(--muted);white-space:nowrap}
summary{cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary::before{content:"";position:absolute;left:2px;top:15px;border:5px solid transparent;
border-left-color:var(--main);border-right-width:0}
details[open]>summary::before{transform:rotate(90deg)}
summary:focus-visible{outline:2px solid var(--main);outline-offset:2px;border-radius:3px}
details table{font-size:.875rem;margin:0 0 10px 18px;width:calc(100% - 18px)}
details th,details td{padding:4px 0}
details td:first-child{padding-left:14px}
.note{color:var(--muted)}
.list th,.list td{padding-right:14px;font-size:.875rem}
.list td:first-child,.list th:first-child{min-width:9em}
.list td:last-child{padding-right:0}
.list .code,.wide td:last-child,.wide thead th{white-space:nowrap}
.list thead th{color:var(--muted);position:sticky;top:0;background:var(--card)}
.list .n{padding-left:0}
@media (max-width:560px){main{padding:22px 14px 40px}.card{padding:2px 12px}
.line,summary{grid-template-columns:1fr auto}.day{grid-column:1/-1;font-size:.8125rem}}
@media print{body{background:#fff;font-size:10pt}main{max-width:none;padding:0}.card{border-color:#bbb}}
</style>
"""
