"""What the terminal shows while the demonstration is played: bars in a terminal, lines in a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn


@dataclass(slots=True)
class Board:
    """One row for each submission. `step` moves its bar; `done` leaves a line."""

    console: Console
    progress: Progress
    rows: dict[str, TaskID] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)

    def step(self, title: str, *, stage: str, part: float) -> None:
        """Show how far a submission is; `part` is 0 to 1 of the present stage."""
        if title not in self.rows:
            self.rows[title] = self.progress.add_task(title, total=1.0, stage=stage)
        self.progress.update(self.rows[title], completed=part, stage=stage)
        if self.last.get(title) != stage and not self.console.is_terminal:
            self.console.print(f"  {title}: {stage}", highlight=False, markup=False)
        self.last[title] = stage

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self.progress.console.print(line, highlight=False, markup=False)


@contextmanager
def board(console: Console) -> Iterator[Board]:
    """Show the board while the block runs."""
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with progress:
        yield Board(console, progress)
