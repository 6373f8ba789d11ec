"""The figures that are counted as things happen: names, labels, and what a label may say.

Names and units follow Prometheus (https://prometheus.io/docs/practices/naming/). A label's values
are few and known: never a call, a person, a tenant or a text that somebody chose.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Metric:
    """`labels`: of each its name and values; what is none of them counts as `other`. Without values
    a label says what the code calls a thing (a kind of job). `buckets`: the upper bounds of a
    histogram; without them it is a counter."""

    name: str
    help: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(name for name, _values in self.labels)

    def combinations(self) -> list[tuple[str, ...]]:
        """Of values that are known beforehand: shown as 0 until they happen."""
        return list(product(*(values for _name, values in self.labels)))


TIERS: Final = ("model", "offline", "none")
"""Who understood a turn: the language model, the offline interpreter, or nobody had to."""
REASONS: Final = (
    "deadline", "timeout", "status", "connection", "left_alone", "malformed", "refusal",
    "truncated", "prompt_leak", "ungrounded", "not_said", "not_offered", "broken", "twilio",
    "unanswered", "failed", "database", OTHER,
)  # fmt: skip
RULES: Final = ("ungrounded", "prompt_leak", "not_said", "not_offered", "closed")
TURN_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 1.6, 2.0, 4.0, 6.0, 10.0)
SLOW: Final = 4.0
"""Seconds, a bound of TURN_SECONDS: a turn that took longer was slow."""
JOB_SECONDS: Final = (0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 150.0)
CALL_SECONDS: Final = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)

CALLS_BEGUN = Metric("recep_calls_begun_total", "Calls that were answered; test calls are not.")
CALLS = Metric(
    "recep_calls_total", "Calls that ended, by outcome; test calls are not among them.",
    (("outcome", ("lead", "transferred", "answered", "abandoned", "blocked", "failed")),),
)  # fmt: skip
CALL_DURATION = Metric(
    "recep_call_duration_seconds", "Length of calls that ended and were answered.", (), CALL_SECONDS
)
TURNS = Metric(
    "recep_turns_total", "Turns of calls, by what became of them.",
    (("result", ("decided", "beside", "gave_way", "failed")),),
)  # fmt: skip
TURN_DURATION = Metric(
    "recep_turn_duration_seconds",
    "From the claim of a turn until its answer is kept, by who understood it.",
    (("tier", TIERS),), TURN_SECONDS,
)  # fmt: skip
FILLERS = Metric(
    "recep_fillers_total", "Answers that asked a caller for a moment: the turn was not ready."
)
FALLBACKS = Metric(
    "recep_fallbacks_total",
    "Turns that went a tier down: to the offline interpreter, to a recorded message, on hold.",
    (("tier", ("offline", "message", "resumed", "outage")), ("reason", REASONS)),
)  # fmt: skip
MODEL_DURATION = Metric(
    "recep_model_duration_seconds", "Time that a turn gave the language model.",
    (("result", ("answered", "set_aside")),), TURN_SECONDS,
)  # fmt: skip
MODEL_TOKENS = Metric(
    "recep_model_tokens_total", "Tokens of calls; those cached are among those in.",
    (("kind", ("in", "out", "cached")),),
)  # fmt: skip
GUARDED = Metric(
    "recep_guardrail_blocks_total", "What a model proposed and was not done or said.",
    (("rule", RULES),),
)  # fmt: skip
LEADS = Metric(
    "recep_leads_total", "Messages taken, by whether the caller agreed to what was noted.",
    (("confirmed", ("yes", "no")),),
)  # fmt: skip
TRANSFERS = Metric(
    "recep_transfers_total", "Attempts to put a caller through that are over.",
    (("result", ("answered", "busy", "no_answer", "refused", "failed")),),
)  # fmt: skip
JOBS = Metric(
    "recep_jobs_total", "Runs of jobs: done, to be tried again, given up, ended unrun.",
    (("job", ()), ("result", ("done", "again", "given_up", "ended"))),
)  # fmt: skip
JOB_DURATION = Metric(
    "recep_job_duration_seconds", "Time that a run of a job took.", (("job", ()),), JOB_SECONDS
)
MAILS = Metric(
    "recep_mails_total",
    "Attempts to deliver a mail; filed: there is no mail server, and it is kept as a file.",
    (("result", ("sent", "filed", "again", "given_up")),),
)  # fmt: skip
USED = Metric(
    "recep_used_total",
    "Booked in the ledger, in the unit of its kind.",
    (("kind", ()),),
)
REFUSED = Metric(
    "recep_webhook_refusals_total", "Requests to /twilio that were not let in.",
    (("reason", ("signature", "account", "shape", OTHER)),),
)  # fmt: skip
DATABASE_ERRORS = Metric(
    "recep_database_errors_total", "Statements and connections that failed.",
    (("kind", ("away", "pool", "timeout", "locked", "denied", "full", OTHER)),),
)  # fmt: skip
SCOPE_VIOLATIONS = Metric(
    "recep_tenant_scope_violations_total", "Attempts to touch another tenant's rows, all refused.",
    (("wall", ("session", "database")),),
)  # fmt: skip

COUNTED: Final = (
    CALLS_BEGUN, CALLS, CALL_DURATION, TURNS, TURN_DURATION, FILLERS, FALLBACKS, MODEL_DURATION,
    MODEL_TOKENS, GUARDED, LEADS, TRANSFERS, JOBS, JOB_DURATION, MAILS, USED, REFUSED,
    DATABASE_ERRORS, SCOPE_VIOLATIONS,
)  # fmt: skip
