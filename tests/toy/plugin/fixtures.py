"""A toy that is slack, and one that is not."""

from dataclasses import dataclass
from datetime import datetime

from argus.toy.model import Toy

from argus.scanning.model import Target
from argus.scanning.testkit import NOW, Case, World


@dataclass(frozen=True)
class OneToy:
    """Plays the tool of the permission `toys`."""

    turns: int
    made_at: datetime = NOW

    def toy(self, toy_id: str) -> Toy:
        return Toy(toy_id, "org_1", "Tin mouse", self.made_at, turns=self.turns)


def _case(name: str, *, turns: int, slack: int) -> Case:
    return Case(name, Target("toy", "toy_1"), World(tools={"toys": OneToy(turns)}), {"slack": slack})


CASES = (_case("slack", turns=12, slack=1), _case("wound up", turns=20, slack=0))
