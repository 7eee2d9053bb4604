"""The nightly report: one page of HTML over what is published of a day.

`published` reads, `figures` computes, `drawing` draws; the sections (`money`, `spread`, `scores`, `movers`, `checks`,
`entrants`, `delivery`, `warnings`) put both into words and tables, and `page` makes one file of them.
"""
