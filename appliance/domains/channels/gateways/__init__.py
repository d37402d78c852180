"""The ways to the outside, a module for each kind of channel; `kinds` names them all. Kept light: children import from here."""
