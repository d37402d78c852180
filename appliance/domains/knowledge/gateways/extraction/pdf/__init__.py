"""PDF: words with their places from PDFium, then lines, columns, tables, headings and the furniture of pages."""
