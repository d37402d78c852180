"""`python -m appliance.migrations.revise "slug"`: for maintainers. Writes the step from the last migration to the tables as they are.

Read and correct what it wrote: data moves, long locks and renames are for people to think about.
"""

import re
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import Script

from appliance.core import crypto, db, migrate
from appliance.core.config import Settings
from appliance.entrypoints import domains


def main() -> None:
    (slug,) = sys.argv[1:]
    assert domains.MANIFESTS  # imports every table
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        keys = crypto.Keyring(bytes(crypto.KEY_BYTES))
        migrate.upgrade(settings, keys)
        database = db.connect(settings, keys.database_key)
        with database.engine.connect() as connection:
            script = command.revision(migrate.config_for(connection), message=slug, autogenerate=True)
        database.close()
    assert isinstance(script, Script)
    raise_walls(Path(script.path))


def raise_walls(path: Path) -> None:
    """New tables of tenants go behind the wall in the migration that makes them."""
    text = path.read_text()
    owned = re.findall(r"op\.create_table\('(\w+)',(?:(?!op\.create_table).)*?info=\{'tenant_owned': True\}", text, re.DOTALL)
    text = re.sub(r",\n\s*info=\{'tenant_owned': True\}", "", text)
    if owned:
        names = "".join(f"\n        {name!r}," for name in owned)
        text = text.replace("    # ### end Alembic commands ###", f"    wall({names}\n    )\n    # ### end Alembic commands ###")
    path.write_text(text)


if __name__ == "__main__":
    main()
