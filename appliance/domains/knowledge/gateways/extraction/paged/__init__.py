"""Documents made of pages: words with their places, then rows, columns, tables, headings; the furniture of pages left out.

`pdfium` and `scans` say where words stand; everything between them and `flow` is geometry and knows neither.
"""
