"""Every drill, in the order in which they run."""

from bench.drills import model, postgres, redis, twice
from bench.drills.drill import Drill

DRILLS: tuple[Drill, ...] = (
    *model.DRILLS,
    *twice.DRILLS,
    *redis.DRILLS,
    *postgres.DRILLS,
)
