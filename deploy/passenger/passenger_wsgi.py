"""What Passenger, and other servers that look for `application`, load: see docs/operations.md.

The packages are those of the `.venv` that run.py made, in this process: to start another Python
would not work under every server. So the server's Python must be of the same version.
"""

import site
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = "python{}.{}".format(*sys.version_info[:2])
PACKAGES = ROOT / ".venv" / "lib" / VERSION / "site-packages"

if not PACKAGES.is_dir():
    raise RuntimeError(
        f"There are no packages for {VERSION} in {ROOT}. Run `{VERSION} run.py keep-alive` there: "
        "what made them must be the Python of this server."
    )
known = list(sys.path)
site.addsitedir(str(PACKAGES))
sys.path[:] = [str(ROOT), *(path for path in sys.path if path not in known), *known]

from app.cli import passenger  # noqa: E402

application = passenger.application()
