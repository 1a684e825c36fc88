"""The settings of an engine, from the section `engine` or from flags."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vqa.commands.rules import NULL, Rule, above, number, one_of, section, shown_value, text, whole

LOCAL, RAY, SLURM = "local", "ray", "slurm"
NAMES = (LOCAL, RAY, SLURM)
FEATURES = "features"  # before the words of a verb: only extract the features of its trainings
TRAINING = ("train", "cross", "study")  # these verbs

RULES: dict[str, Rule] = {
    "name": one_of(*NAMES),
    "address": text("auto, local, or an address such as ray://head:10001", r"\S{1,500}"),
    "array": whole(1, 10**4),
    "workers": whole(1, 10**5) | NULL,
    "partition": text("a name of letters, digits and , . _ -", r"[\w.,-]{1,200}") | NULL,
    "gpus": number(0, 1024),
    "cpus": whole(1, 1024) | NULL,
    "memory_gb": above(0, 1e5) | NULL,
    "time_min": whole(1, 10**6),
    "requeues": whole(0, 10**4),
    "options": section(),
    "options.*": text("a value of sbatch", r"[^\n]{1,1000}") | number(0) | one_of(True, False),
    "cluster": one_of(SLURM, LOCAL),
}
SHARED = ("gpus", "cpus", "memory_gb")
TAKEN = {
    LOCAL: (),
    RAY: ("address", "workers", *SHARED),
    SLURM: ("array", "partition", *SHARED, "time_min", "requeues", "options", "cluster"),
}


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine is told; `TAKEN` says which of these each engine takes.

    Attributes:
        name: `local`, `ray` or `slurm`.
        address: Ray: `auto` (the cluster of RAY_ADDRESS or of this machine, else a new one),
            `local` (a new one), or the address of a cluster.
        workers: Ray: workers at the same time; None is as many as the cluster has room for.
        array: SLURM: tasks of the job array.
        partition: SLURM: where they run; None is the cluster's default.
        gpus: GPUs of each worker or task; with Ray also a part of one.
        cpus: Cores of each worker or task; None is the engine's default.
        memory_gb: Memory of each worker or task; None is the engine's default.
        time_min: SLURM: time limit of a task, in minutes.
        requeues: SLURM: how often a task is requeued at most.
        options: SLURM: further options of sbatch, by name without dashes.
        cluster: SLURM: `slurm`, or `local` for tasks that are processes of this machine.
    """

    name: str = LOCAL
    address: str = "auto"
    workers: int | None = None
    array: int = 1
    partition: str | None = None
    gpus: float = 0
    cpus: int | None = None
    memory_gb: float | None = None
    time_min: int = 240
    requeues: int = 20
    options: Mapping[str, Any] = field(default_factory=dict)
    cluster: str = SLURM

    def __post_init__(self) -> None:
        """Check what each setting alone cannot say.

        Raises:
            ValueError: A part of a GPU for a SLURM task.
        """
        if self.name == SLURM and self.gpus != int(self.gpus):
            raise ValueError(
                f"engine.gpus={self.gpus:g}: expected whole GPUs, because engine=slurm gives each "
                "task its own; engine=ray shares a GPU among workers"
            )

    @property
    def is_local(self) -> bool:
        """Whether this process does the work."""
        return self.name == LOCAL

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "EngineSettings":
        """Return the settings of the section `engine` of a configuration; without one, `local`.

        Raises:
            ValueError: A setting that the engine does not take, or a value that it cannot have.
        """
        given = {key: value for key, value in (config.get("engine") or {}).items()}
        name = given.pop("name", LOCAL)
        RULES["name"].check("engine", name)
        for key, value in given.items():
            if key not in TAKEN[name]:
                raise ValueError(
                    f"engine.{key}={shown_value(value)}: engine={name} takes no such setting; "
                    f"expected one of {', '.join(TAKEN[name]) or 'none'}"
                )
            RULES[key].check(f"engine.{key}", value)
        return cls(name=name, **given)

    def __str__(self) -> str:
        """The engine and what differs from its defaults, as typed."""
        plain = asdict(EngineSettings(self.name))
        told = {key: value for key, value in asdict(self).items() if value != plain[key]}
        words = [f"engine={self.name}", *(f"engine.{key}={told[key]}" for key in told)]
        return " ".join(words)
