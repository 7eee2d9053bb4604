"""The nightly report: one HTML page on the published rows of a day.

`published` reads, `figures` computes and `drawing` draws. The sections (`money`, `spread`, `scores`, `movers`,
`checks`, `entrants`, `delivery`, `warnings`) turn the results into text, tables and charts, and `page` writes them into
one file.
"""
