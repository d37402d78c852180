"""Maintainer tools: vendored browser libraries and translation catalogues."""
