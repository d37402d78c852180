"""How the box and each organisation look to people: the reseller's brand, an organisation's own, and packs that carry them."""
