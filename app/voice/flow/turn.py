"""A turn while it is being decided: where it has been, what it remembers, what it will do."""

from dataclasses import dataclass, replace

from app.voice.flow import messages as m
from app.voice.flow.states import MOVES, State

LONGEST_WORDS = 500

# Where a call passes when the map has no direct way: a question while confirming goes through
# LEAD_CAPTURE, a new wish after the goodbye through INTENT.
_WAYPOINTS = (State.INTENT, State.LEAD_CAPTURE, State.CONFIRMATION)


def way(here: State, there: State) -> tuple[State, ...]:
    """The steps from `here` to `there` along the map, without `here`; none when already there."""
    if here is there:
        return ()
    if there in MOVES[here]:
        return (there,)
    return next(
        (stop, there) for stop in _WAYPOINTS if stop in MOVES[here] and there in MOVES[stop]
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """Immutable: every step returns a fuller turn; `listen`, `dial`, `record`, `hang_up` close it,
    so that a decision always ends with exactly one thing for the caller's line to do."""

    facts: m.Facts
    memory: m.Memory
    path: tuple[State, ...]
    effects: tuple[m.Effect, ...] = ()
    refused: str = ""

    @property
    def state(self) -> State:
        return self.path[-1]

    def to(self, *states: State) -> "Turn":
        path = self.path
        for state in states:
            path += way(path[-1], state)
        return replace(self, path=path)

    def knowing(self, memory: m.Memory) -> "Turn":
        return replace(self, memory=memory)

    def understood(self) -> "Turn":
        return self.knowing(replace(self.memory, silences=0, misses=0, asked_back=0))

    def missed(self) -> "Turn":
        return self.knowing(replace(self.memory, silences=0, misses=self.memory.misses + 1))

    def wishing(self, words: str) -> "Turn":
        """Keep what the caller wants. Several tries at saying it are all kept: together they tell
        the person who reads the message more than the last one does."""
        so_far, words = self.memory.last_words, words.strip()
        if words and words not in so_far:
            words = f"{so_far} / {words}" if so_far else words
            return self.knowing(replace(self.memory, last_words=words[:LONGEST_WORDS]))
        return self

    def refuse(self, reason: str) -> "Turn":
        return replace(self, refused=self.refused or reason)

    def also(self, *effects: m.Effect) -> "Turn":
        return replace(self, effects=self.effects + effects)

    def say(self, line: m.Line, detail: str = "") -> "Turn":
        return self.also(m.Say(line, detail=detail))

    def listen(self, ask: str = "", *, patient: bool = False) -> m.Decision:
        """Pieces of a value belong to one slot only, and an answer can be told again only while it
        was the last."""
        said = (effect for effect in self.effects if isinstance(effect, m.Say))
        told = dict.fromkeys(source for say in said for source in say.sources)
        memory = replace(self.memory, told=tuple(told))
        if ask != memory.asking:
            memory = replace(memory, pieces="", offered=memory.offered and ask == m.Ask.PHONE)
        return self.knowing(replace(memory, asking=ask)).also(m.Listen(ask, patient))._decided()

    def record(self) -> m.Decision:
        memory = replace(self.memory, asking=m.Ask.RECORDING)
        return self.knowing(memory).also(m.Record())._decided()

    def dial(self, department_id: int, seconds: int | None = None) -> m.Decision:
        memory = replace(
            self.memory,
            asking="",
            ringing=department_id,
            tried=(*self.memory.tried, department_id),
            transfers=self.memory.transfers + 1,
        )
        turn = self.to(State.TRANSFER_ATTEMPT).knowing(memory)
        return turn.also(m.Dial(department_id, seconds))._decided()

    def hang_up(self) -> m.Decision:
        return self.also(m.HangUp()).end()

    def end(self) -> m.Decision:
        memory = replace(self.memory, asking="", taking=False, ringing=None)
        return self.to(State.ENDED).knowing(memory)._decided()

    def _decided(self) -> m.Decision:
        return m.Decision(self.path, self.memory, self.effects, self.refused)
