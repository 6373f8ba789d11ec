"""Every drill, in the order in which they run."""

from bench.drills import (
    callbacks,
    crowds,
    fuzz,
    hostile,
    intruders,
    jobs,
    mail,
    model,
    nodes,
    postgres,
    redis,
    sealed,
    soak,
    sweep,
    twice,
)
from bench.drills.drill import Drill

DRILLS: tuple[Drill, ...] = (
    *model.DRILLS,
    *twice.DRILLS,
    *redis.DRILLS,
    *postgres.DRILLS,
    *callbacks.DRILLS,
    *nodes.DRILLS,
    *jobs.DRILLS,
    *mail.DRILLS,
    *crowds.DRILLS,
    *hostile.DRILLS,
    *sealed.DRILLS,
    *fuzz.DRILLS,
    *intruders.DRILLS,
    *sweep.DRILLS,
    *soak.DRILLS,
)
