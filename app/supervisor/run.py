"""`assay up`: everything on one machine from one process, until somebody asks it to stop."""

from collections.abc import Callable
from dataclasses import dataclass

from app.settings import Settings, last_port
from app.storage import embedded
from app.supervisor import folder
from app.supervisor.plan import Plan, take_port
from app.supervisor.prepare import prepare
from app.supervisor.watch import Stopped, Supervisor


@dataclass(frozen=True, slots=True)
class Ready:
    """What `when_ready` gets: settings that name the running storage, and whether we have been asked to stop."""

    settings: Settings
    stopping: Callable[[], bool]


def run(
    settings: Settings,
    *,
    port: int,
    workers: int,
    say: Callable[[str], None],
    when_ready: Callable[[Ready], None],
) -> None:
    """Run all parts until Ctrl+C or SIGTERM. `when_ready` is called once the site answers and must return soon.

    Call it from the main thread. Raises Conflict (port or data folder in use) and Unavailable (a part won't start).
    """
    supervisor = Supervisor(say=say)
    memory = last_port(settings.data_dir)
    with folder.lock(settings.data_dir), take_port(port, memory=memory) as listener:
        supervisor.listen()
        plan = Plan(_with_address(settings, listener.getsockname()[1]), listener, workers, supervisor)
        try:
            supervisor.start(plan.storage())
            prepare(embedded.located(plan.settings))
            supervisor.start(plan.site_and_worker())
            when_ready(Ready(embedded.located(plan.settings), lambda: supervisor.stopping))
            supervisor.run()
        except Stopped:
            say("Stopped while starting.")
        finally:
            say("Stopping ...")
            supervisor.stop()
            plan.clean()
    say("All parts have stopped. Start again to continue.")


def _with_address(settings: Settings, port: int) -> Settings:
    """Return the settings with the address that people will use, unless one is set."""
    if "base_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
