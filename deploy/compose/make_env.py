"""Makes receptionist.env and admin.env beside compose.yaml: every secret new, and each where it is
needed. Files that are there already are left as they are: their secrets open what is stored."""

import argparse
import base64
import os
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRODUCT = """\
# What every part of the product reads. More settings: README.md, "Settings"; one a line, no quotes.
PUBLIC_BASE_URL=https://{host}
SECRET_KEY={key}
ENCRYPTION_KEYS={encryption}
DATABASE_URL=postgresql://recep_login:{login}@postgres:5432/reception
REDIS_URL=redis://:{valkey}@valkey:6379/0
ADMIN_EMAIL=admin@{host}
"""
ADMIN = """\
# For PostgreSQL, Valkey and the migration only.
POSTGRES_PASSWORD={postgres}
VALKEY_PASSWORD={valkey}
DATABASE_ADMIN_URL=postgresql://postgres:{postgres}@postgres:5432/postgres
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", help="where Twilio and people reach it, such as rec.example.com")
    parser.add_argument("--folder", type=Path, default=HERE, help="where to make them")
    arguments = parser.parse_args()
    files = {"receptionist.env": PRODUCT, "admin.env": ADMIN}
    for name in files:
        if (arguments.folder / name).exists():
            print(f"{arguments.folder / name} is there already; nothing was changed.")
            return 1
    made = {name: secrets.token_hex(24) for name in ("key", "login", "valkey", "postgres")}
    made["encryption"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    for name, text in files.items():
        path = arguments.folder / name
        path.touch(mode=0o600)
        path.write_text(text.format(host=arguments.host, **made))
        print(f"{path} was made. Keep a copy of it elsewhere.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
