#!/usr/bin/env python3
"""The one command: makes `.venv` when it is missing or stale, then runs a command inside it.

Everything above the import of `bootstrap` must parse on any Python: an old one gets a sentence
instead of a SyntaxError, so there are no annotations and no f-strings in this file.
"""

import sys

OLDEST = (3, 11)
if sys.version_info < OLDEST:
    sys.exit(
        "Python %d.%d or newer is needed; this is %d.%d (%s)."
        % (OLDEST + tuple(sys.version_info[:2]) + (sys.executable,))
    )

import importlib

import bootstrap

COMMANDS = {
    "start": "everything at once: databases, web, worker, scheduler (also without a command)",
    "test": "the whole test suite; arguments go to pytest",
    "call": "a telephone in the terminal, against the running server",
    "bench": "a measurement: bench NAME",
    "web": "the web server alone",
    "worker": "one worker for the work after a call",
    "scheduler": "periodic work",
    "encoder": "the sentence encoder alone: one per machine, beside its web server",
    "keep-alive": "from cron, for hosts without systemd: starts what is not running",
    "migrate": "bring the database's roles and tables up to date",
    "rotate-keys": "encrypt what is stored anew with the newest of ENCRYPTION_KEYS",
    "doctor": "whether calls would arrive: numbers at Twilio, the public address",
    "backup": "every row of the database into one file",
    "restore": "a backup's rows into an empty database",
    "move": "from databases of our own to those that DATABASE_URL and REDIS_URL name",
    "audit": "every pinned package against known weaknesses",
    "fallback": "TwiML for a TwiML Bin of each tenant, for when nothing here answers",
    "shell": "a Python prompt with the application loaded",
}
NEED_DEVELOPMENT = ("test", "bench")


def overview():
    lines = ["usage: python3 run.py [COMMAND] [ARGUMENTS]", ""]
    lines += ["  %-12s %s" % entry for entry in COMMANDS.items()]
    return "\n".join(lines)


def main(argv):
    name, arguments = (argv[0], argv[1:]) if argv else ("start", [])
    if name in ("-h", "--help", "help"):
        print(overview())
        return 0
    if name not in COMMANDS:
        print("There is no command %r.\n\n%s" % (name, overview()), file=sys.stderr)
        return 2
    bootstrap.enter(development=name in NEED_DEVELOPMENT)
    return dispatch(name, arguments)


def dispatch(name, arguments):
    """Settings come first: a bad one is told before anything heavy is imported."""
    from config import BadSetting, Settings

    try:
        settings = Settings.load()
        module = importlib.import_module("app.cli." + name.replace("-", "_"))
        return module.main(arguments, settings)
    except BadSetting as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
